"""Profiles at LinkedIn and domains of companies, as suppression lists compare them."""

from __future__ import annotations

import pytest

from syncflow_dagster.core.consent.identifiers import Kind, PrivacyKey, all_of, domains_of

_KEY = PrivacyKey("k" * 32)


@pytest.mark.parametrize(
    ("kind", "value", "same"),
    [
        (Kind.LINKEDIN, "https://www.linkedin.com/in/Jane-Doe/", "jane-doe"),
        (Kind.LINKEDIN, "linkedin.com/in/ACoAAb1c2", "ACoAAb1c2"),
        (Kind.DOMAIN, "https://www.Acme.co.uk/about", "acme.co.uk"),
        (Kind.DOMAIN, "acme.co.uk.", "acme.co.uk"),
        (Kind.DOMAIN, "müller.de", "MÜLLER.de"),
    ],
)
def test_one_thing_has_one_hash(kind: Kind, value: str, same: str) -> None:
    assert _KEY.hash(kind, value) == _KEY.hash(kind, same)
    assert all_of(kind, value) is not None


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Kind.LINKEDIN, "https://www.linkedin.com/company/acme"),
        (Kind.LINKEDIN, "https://www.linkedin.com/sales/lead/ACwAAb1c2"),
        (Kind.LINKEDIN, "Jane Doe"),
        (Kind.DOMAIN, "acme"),
        (Kind.DOMAIN, "jane@acme.com"),
        (Kind.DOMAIN, "10.0.0.1"),
    ],
)
def test_what_is_none_has_no_hash(kind: Kind, value: str) -> None:
    assert _KEY.hash(kind, value) is None
    assert all_of(kind, value) is None


def test_an_id_keeps_its_case_and_an_address_has_all_its_domains() -> None:
    assert _KEY.hash(Kind.LINKEDIN, "ACoAAb1c2") != _KEY.hash(Kind.LINKEDIN, "ACoAAB1C2")
    assert domains_of("Ann@Mail.Acme.test") == ["mail.acme.test", "acme.test"]
