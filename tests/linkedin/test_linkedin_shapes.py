"""Shapes of Unipile's answers: what is not as documented is told, and never an accident."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncflow_dagster.nodes.linkedin import shapes

ITEMS = [
    shapes.owner,
    shapes.account_status,
    shapes.profile,
    shapes.sent_invitation,
    shapes.relation,
    shapes.chat,
    shapes.message,
    shapes.inmail_balance,
    lambda body: shapes.page({"items": [body], "cursor": body.get("cursor")}, shapes.message),
]
WORDS = """id provider_id type status invitation sources connection_params premium recruiter items
    cursor created_at connection_urn member_id timestamp is_sender hidden network_distance"""
FIELDS = WORDS.split()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["", "OK", "ACoA1"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=60)
@given(body=st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6))
def test_whatever_comes_is_read_or_said_to_be_unshapely(body):
    for shape in ITEMS:
        try:
            shape(body)
        except shapes.Unshapely as error:
            assert "no " in str(error)


@pytest.mark.parametrize(
    ("told", "read"),
    [
        ({"type": "SENT", "status": "PENDING"}, "sent"),
        ({"type": "RECEIVED", "status": "PENDING"}, "received"),
        ({"type": "SENT", "status": "WITHDRAWN"}, "withdrawn"),
        ({"type": "SENT", "status": "IGNORED"}, "ignored"),
        # The owner has ignored the person's: that says nothing of ours.
        ({"type": "RECEIVED", "status": "IGNORED"}, None),
        (None, None),
    ],
)
def test_an_invitation_is_told_by_who_sent_it_and_whether_it_is_out(told, read):
    assert shapes.profile({"provider_id": "ACoA1", "invitation": told}).invitation == read


def test_an_id_that_is_missing_is_taken_from_the_urn():
    body = {"connection_urn": "urn:li:fsd_connection:ACoAA1", "created_at": 1_700_000_000_500}
    found = shapes.relation(body)
    assert found.provider_id == "ACoAA1"
    assert found.created_at == datetime(2023, 11, 14, 22, 13, 20, 500_000, UTC)
    # A profile's urn is a bare number, which is no such id.
    assert shapes.relation({"member_urn": "urn:li:member:123"}).provider_id is None
    assert shapes.relation({"created_at": math.inf}).created_at is None


def test_who_has_written_a_message():
    by = {"id": "1", "is_sender": 0}
    assert shapes.message(by).inbound
    assert not shapes.message({**by, "is_sender": True}).inbound
    for hidden in ("hidden", "deleted", "is_event"):
        assert not shapes.message({**by, hidden: 1}).inbound
