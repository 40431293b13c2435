"""Addresses of members are told from anything else, and compare equal however they are written."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncflow_dagster.core.outreach.slugs import ProviderId, SalesNavigator, Slug, normalise

_ID = "ACoAAB1c2D_e-3"


@pytest.mark.parametrize(
    "text",
    [
        "jane-doe-42",
        "Jane-Doe-42",
        " jane-doe-42/ ".strip("/ "),
        "https://www.linkedin.com/in/jane-doe-42",
        "http://linkedin.com/in/jane-doe-42/",
        "https://de.linkedin.com/in/Jane-Doe-42/de?trk=x#top",
        "linkedin.com/in/jane-doe-42/overlay/contact-info/",
        "www.linkedin.com/mwlite/in/jane-doe-42",
        "/in/jane-doe-42/",
        "in/jane-doe-42",
        "HTTPS://WWW.LINKEDIN.COM/IN/JANE-DOE-42",
    ],
)
def test_one_slug_has_one_form(text: str) -> None:
    assert normalise(text) == Slug("jane-doe-42")


def test_slugs_of_other_scripts_are_decoded_and_composed() -> None:
    expected = Slug("jürgen-müller")
    assert normalise("https://www.linkedin.com/in/J%C3%BCrgen-M%C3%BCller/") == expected
    assert normalise(unicodedata.normalize("NFD", "jürgen-müller")) == expected
    assert normalise("linkedin.com/in/%D8%B9%D9%84%DB%8C") == Slug("علی")


@pytest.mark.parametrize(
    "text",
    [
        _ID,
        f"https://www.linkedin.com/in/{_ID}",
        f"urn:li:fsd_profile:{_ID}",
        f"urn:li:fsd_connection:{_ID}",
    ],
)
def test_a_members_id_keeps_its_case(text: str) -> None:
    assert normalise(text) == ProviderId(_ID)


def test_sales_navigator_has_ids_of_its_own() -> None:
    address = "https://www.linkedin.com/sales/lead/ACwAAB1c2D,NAME_SEARCH,x1"
    assert normalise(address) == SalesNavigator("ACwAAB1c2D")


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "Jane Doe",
        "jane@example.com",
        "www.linkedin.com",
        "https://www.linkedin.com/company/acme",
        "https://example.com/in/jane",
        "https://linkedin.com.evil.example/in/jane",
        "urn:li:member:12345",
        "https://www.linkedin.com/in/%FF",
        "https://www.linkedin.com/in/",
    ],
)
def test_what_names_no_member_is_none(text: str | None) -> None:
    assert normalise(text) is None


@given(st.text(max_size=60))
def test_normalised_once_is_normalised(text: str) -> None:
    found = normalise(text)
    assert found is None or normalise(found.value) == found
