"""Names, addresses, numbers and companies, differently written: what is one, and what is none."""

from __future__ import annotations

import pytest
from matching_cases import SHARED

from syncflow_dagster.core.matching import contacts
from syncflow_dagster.core.matching.companies import company_key, is_other_company
from syncflow_dagster.core.matching.names import Agreement, agreement, name_of
from syncflow_dagster.core.matching.people import Record, normalised

EQUAL, COMPATIBLE = Agreement.EQUAL, Agreement.COMPATIBLE
UNKNOWN, DIFFERENT = Agreement.UNKNOWN, Agreement.DIFFERENT


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (("Ann", "Lee"), ("ANN", "lee"), EQUAL),
        (("José", "Muñoz"), ("Jose", "Munoz"), EQUAL),
        (("Søren", "Łęcki"), ("Soren", "Lecki"), EQUAL),
        (("Jean-Luc", "O'Brien"), ("Jean Luc", "O\u2019Brien"), EQUAL),
        (("Ann", "Lee"), ("Lee", "Ann"), COMPATIBLE),
        (("James", "Thomas"), ("Thomas", "James"), COMPATIBLE),
        (("Lee,", "Ann"), ("Ann", "Lee"), EQUAL),
        (("Ann M.", "Lee"), ("Ann", "Lee"), COMPATIBLE),
        (("Christina", "Lee"), ("Christopher", "Lee"), DIFFERENT),
        (("राम", "कुमार"), ("रीमा", "कुमार"), DIFFERENT),
        (("สมชาย", "ใจดี"), ("สมชื", "ใจดี"), DIFFERENT),
        (("Семён", "Ли"), ("Семен", "Ли"), EQUAL),
        ((None, "Lee, Ann"), ("Ann", "Lee"), EQUAL),
        ((None, "Ann Lee"), ("Ann", "Lee"), EQUAL),
        (("Bob", "Ray"), ("Robert", "Ray"), EQUAL),
        (("Bob", "Ray"), ("Rob", "Ray"), EQUAL),
        (("\uff21\uff4e\uff4e", "Lee"), ("Ann", "Lee"), EQUAL),
        (("Alexander", "Lee"), ("Alexandra", "Lee"), DIFFERENT),
        (("Ann", "Jack"), ("Ann", "John"), COMPATIBLE),
        (("A.", "Lee"), ("Ann", "Lee"), COMPATIBLE),
        (("Ann Maria", "Lee"), ("Ann", "Lee"), COMPATIBLE),
        ((None, "Lee"), ("Ann", "Lee"), COMPATIBLE),
        ((None, "Lee"), (None, "Lee"), COMPATIBLE),
        (("Ann", "Lee"), (None, None), UNKNOWN),
        (("Ann", "Lee"), ("Ann", "Ray"), DIFFERENT),
        (("李", "明"), ("李", "明"), EQUAL),
    ],
)
def test_names_agree_however_they_are_written(one, other, expected):
    assert agreement(name_of(*one), name_of(*other)) is expected
    assert agreement(name_of(*other), name_of(*one)) is expected


@pytest.mark.parametrize(
    ("function", "spellings"),
    [
        (contacts.phone, ["+1 (415) 555-2671", "415.555.2671", "001 415 555 2671 ext 12"]),
        (contacts.own_phone, ["+1 (415) 555-2671", "415.555.2671", "001 415 555 2671"]),
        (contacts.own_phone, ["+44 (0)20 7946 0958", "00442079460958"]),
        (contacts.phone, ["+44 (0)20 7946 0958", "020 7946 0958", "020 \uff17946 0958"]),
        (contacts.email, ["Ann.Lee@ACME.com", " <ann.lee@acme.com> ", "mailto:ann.lee@acme.com"]),
        (contacts.email, ["x@bücher.de", "x@xn--bcher-kva.de"]),
        (
            contacts.linkedin,
            [
                "https://www.linkedin.com/in/Ann-Lee/",
                "linkedin.com/in/ann-lee?trk=x",
                "https://uk.linkedin.com/in/ann-lee/en",
                "http://linkedin.com/in/%61nn-lee#top",
            ],
        ),
        (
            contacts.linkedin,
            [
                "https://www.linkedin.com/pub/ann-lee/12/345/67a",
                "linkedin.com/pub/Ann-Lee/12/345/67A/en",
            ],
        ),
        (contacts.record_id, ["003d000000XBCeF", "003d000000XBCeFAAX", " 003d000000XBCeF "]),
        (company_key, ["ACME Inc.", "Acme, Inc", "The ACME Corporation", "acme"]),
        (company_key, ["Müller & Söhne GmbH & Co. KG", "Muller and Sohne"]),
    ],
)
def test_spellings_of_one_thing_are_one(function, spellings):
    assert len({function(one) for one in spellings}) == 1
    assert function(spellings[0]) is not None


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (contacts.phone, "0000000000"),
        (contacts.phone, "12345"),
        (contacts.email, "ann at acme"),
        (contacts.own_phone, "555-0100"),
        (contacts.own_phone, "030 123456"),
        (contacts.own_phone, "+1 212 555 0100 ext 12"),
        (contacts.own_phone, "9999999999"),
        (contacts.own_phone, "123-456-7890"),
        (contacts.email, f"{'a' * 300}@acme.com"),
        (contacts.email, "ann\x00@acme.com"),
        (contacts.record_id, "a\x00"),
        (contacts.linkedin, "https://linkedin.com/company/acme"),
        (contacts.linkedin, "https://linkedin.com/pub/dir/John/Smith"),
        (contacts.linkedin, "https://linkedin.com/pub/dir/?first=eve"),
        (contacts.linkedin, "https://linkedin.com/pub/john-smith"),
        (contacts.linkedin, "https://linkedin.com/in/me/"),
        (contacts.linkedin, "https://linkedin.com/in/unavailable"),
        (contacts.linkedin, "https://linkedin.com/in/school"),
        (contacts.linkedin, "https://linkedin.com/in/ann%00lee"),
        (contacts.linkedin, "https://linkedin.com/in/ren%e9"),
        (contacts.linkedin, f"https://linkedin.com/in/{'a' * 301}"),
        *((contacts.external_id, one) for one in ("N/A", "na", "None", "NULL", "unknown", "-")),
        *((contacts.external_id, one) for one in ("0", "000", "test", "?", "a\x00b", "a" * 301)),
        (contacts.linkedin, "https://notlinkedin.com/in/ann"),
        (contacts.record_id, "  "),
        (company_key, "--"),
    ],
)
def test_what_tells_nothing_is_nothing(function, text):
    assert function(text) is None
    assert function(None) is None


def test_spellings_of_two_things_are_two():
    pub = "https://www.linkedin.com/pub/john-smith/"
    assert contacts.linkedin(f"{pub}12/345/678") != contacts.linkedin(f"{pub}98/7b/1a2")
    assert contacts.email("ann@strau\u00df.de") != contacts.email("ann@strauss.de")
    assert contacts.own_phone("(212) 555-0100") != contacts.own_phone("(312) 555-0100")
    assert contacts.external_id(" A-17 ") == "A-17"
    assert company_key("\u091f\u093e\u091f\u093e") != company_key("\u091f\u0940\u091f\u0940")


def test_a_shared_mailbox_is_known_by_its_local_part():
    assert contacts.is_shared_mailbox("info@acme.com", ["INFO"])
    assert contacts.is_shared_mailbox("sales+web@acme.com", SHARED)
    assert not contacts.is_shared_mailbox("infolee@acme.com", SHARED)
    with pytest.raises(ValueError, match=r"without an id.*Ann Lee"):
        normalised(Record(" ", "Ann", "Lee"))


@pytest.mark.parametrize(
    ("sides", "moved"),
    [
        (("1", "ACME Inc.", "1", "Acme Group"), False),
        (("1", "ACME Inc.", "2", "Acme, Inc"), False),
        (("1", "ACME", "2", "Beta"), True),
        ((None, "ACME", None, "Beta"), True),
        (("1", None, "2", None), True),
        (("1", "ACME", None, None), False),
        ((None, None, "2", "Beta"), False),
    ],
)
def test_a_move_needs_another_company(sides, moved):
    assert is_other_company(*sides) is moved
