"""Keyed hashes: the same person gives the same hash, and only who has the key can tell."""

from __future__ import annotations

import pytest

from syncflow_dagster.core.consent.identifiers import (
    Kind,
    PrivacyKey,
    WeakKeyError,
    all_of,
    comparable,
)

KEY = PrivacyKey("k" * 32)


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        (Kind.EMAIL, (" Ann.Lee@Example.TEST", "ann.lee@example.test")),
        (Kind.PHONE, ("+49 (0)30 1234567", "0049301234567", "030/1234567 ext. 12")),
        (Kind.PHONE, ("+1 (415) 555-0123", "415.555.0123", "4155550123 x9")),
        # A zero in front of what is compared is none the second time either.
        (Kind.PHONE, ("+39 06 0 12345678", "12345678")),
        (Kind.RECORD, ("003Hn00000Xy1Ab", " 003Hn00000Xy1Ab ")),
    ],
)
def test_one_person_has_one_hash_however_it_is_written(kind, written):
    found = {KEY.hash(kind, one) for one in written}
    assert len(found) == 1
    assert None not in found
    [text] = {comparable(kind, one) for one in written}
    assert comparable(kind, text) == text
    assert KEY.hash(kind, text) in found
    assert kind is not Kind.RECORD or len(text) == 18
    # Another kind or key gives another hash.
    others = {KEY.hash(one, text) for one in Kind if one is not kind}
    assert not found & others
    assert PrivacyKey("o" * 32).hash(kind, text) not in found


@pytest.mark.parametrize(
    ("kind", "value", "found"),
    [
        (Kind.PHONE, None, []),
        (Kind.PHONE, " ", []),
        (Kind.PHONE, "0171 1234567 / 030 98765432", ["711234567", "98765432"]),
        (Kind.PHONE, "0171 1234567; 030/98765432", None),
        (Kind.PHONE, "030/98765432", ["98765432"]),
        (Kind.PHONE, "030/1234567, ext. 12", ["301234567"]),
        (Kind.PHONE, "0171 1234567; n/a", None),
        (Kind.PHONE, "0171 1234567 030 98765432", None),
        (Kind.PHONE, "2345678 or 8765432", None),
        (Kind.PHONE, "ask Ann", None),
        (Kind.PHONE, 1711234567, None),
        (Kind.EMAIL, "ann@a.test; Bob@B.test", ["ann@a.test", "bob@b.test"]),
        (Kind.EMAIL, "ann@a.test,n/a", None),
        (Kind.EMAIL, "a/b@c.test", ["a/b@c.test"]),
        (Kind.EMAIL, "ann@a", None),
    ],
)
def test_a_field_holds_all_that_can_be_told_or_nobody_can_tell(kind, value, found):
    assert all_of(kind, value) == found


def test_what_is_no_identifier_has_no_hash_and_a_short_secret_makes_no_key():
    for kind, text in ((Kind.EMAIL, "ann"), (Kind.PHONE, "n/a"), (Kind.RECORD, " ")):
        assert KEY.hash(kind, text) is None
    assert KEY.hash(Kind.EMAIL, "a@b.test") != KEY.hash(Kind.EMAIL, "ab@b.test")
    with pytest.raises(WeakKeyError, match="31 characters"):
        PrivacyKey("k" * 31)
    assert KEY.name not in ("k" * 32)
