"""Questions and answers against a real database: what was shown is what is answered, for good."""

from __future__ import annotations

from uuid import UUID

import pytest
from identity_cases import contact, decide, moves, people, states, tell, workflow

from syncflow_dagster.ledger.decisions import By, NotDecidable
from syncflow_dagster.nodes.identity import storage
from syncflow_dagster.nodes.identity.review import Review
from syncflow_dagster.nodes.identity.run import identity_state
from syncflow_dagster.store.clock import DatabaseClock

ACME = {"email": "ann@acme.com", "account": "A1", "company": "ACME Inc."}
BETA = {"email": "ann@beta.com", "account": "B1", "company": "Beta"}
PHONE = {"phone": "+1 415 555 2671"}
PROFILE = {"linkedin": "linkedin.com/in/ann"}


def cases(database, state="OPEN"):
    return Review(database).cases("champions", state, 50)


def answer(database, number, what, person=None):
    now = DatabaseClock(database).now()
    Review(database).answer(number, what, By("eve", "I know"), now, person)


def go(database, flow, *rows):
    tell(database, flow, list(rows))
    return dict(decide(database, flow).decisions)


def owner(database, record_id):
    sql = "select person_id from person_record where record_id = %s"
    return database.fetch_one(sql, [record_id])["person_id"]


def test_an_answer_is_about_what_was_shown_and_carried_out_whatever_changes_since(database):
    flow = workflow(batch_rows=100)
    known = [contact("a", **ACME), contact("b", "Bob Ray", email="bob@x.com")]
    go(database, flow, *known)
    go(database, flow, *known, contact("p", **BETA))
    (asked,) = cases(database)
    # The record changes while somebody looks at the question: nobody has decided it anew yet.
    tell(database, flow, [*known, contact("p", "Bob Ray", email="r@r.com")])
    with pytest.raises(NotDecidable, match="not what it was: its record has changed"):
        answer(database, asked["case_id"], "same")
    assert decide(database, flow).held == 1
    with pytest.raises(NotDecidable, match="needs no answer"):
        answer(database, asked["case_id"], "same")
    (asked,) = cases(database)
    (candidate,) = Review(database).case(asked["case_id"]).candidates
    assert candidate.person_id == owner(database, "b")
    # Candidates change: another question. Nothing changes: the same one.
    go(database, flow, *known, contact("p", "Bob Ray", email="r@r.com", company="X"))
    (asked,) = cases(database)
    bobs = [*known, contact("c", "Bob Ray", email="c@c.com", linkedin="in/bob", **PHONE)]
    held = contact("p", "Bob Ray", email="r@r.com", company="X")
    go(database, flow, *bobs, held)
    (other,) = (one for one in cases(database) if one["record_id"] == "c")
    answer(database, other["case_id"], "new")
    assert dict(decide(database, flow).decisions) == {"new": 1, "held": 1}
    (anew,) = cases(database)
    assert (anew["candidates"], anew["case_id"] > asked["case_id"]) == (2, True)
    database.execute("update contact_delta set state = 'PENDING' where state = 'HELD'")
    assert decide(database, flow).held == 1
    assert cases(database) == [anew]
    # Whoever is somebody may be the one, and nobody else; the key of today does not matter.
    with pytest.raises(NotDecidable, match="which of them it is"):
        answer(database, anew["case_id"], "same")
    with pytest.raises(NotDecidable, match=r"is no person of champions\.people"):
        answer(database, anew["case_id"], "same", UUID(int=1))
    answer(database, anew["case_id"], "same", owner(database, "a"))
    assert go(database, flow, *bobs, {**held, "last": "Miller"}) == {"joined": 1}
    assert people(database) == {"ap", "b", "c"}


def test_an_answer_on_the_first_load_is_carried_out_and_a_known_record_is_not_ignored(database):
    flow = workflow(batch_rows=1)
    first = [
        contact("a", company="ACME", email="a@acme.com"),
        contact("b", company="Acme Inc", email="lee@acme.com"),
        *(contact(f"c{n}", company=f"C{n}", email=f"{n}@c.com") for n in range(3)),
    ]
    assert go(database, flow, *first) == {"new": 4, "held": 1}
    (asked,) = cases(database)
    answer(database, asked["case_id"], "same")
    assert dict(decide(database, flow).decisions) == {"joined": 1}
    known = [{**first[0], **PROFILE}, *first[1:]]
    go(database, flow, *known)
    go(database, flow, *known[:2], {**first[2], **PROFILE}, *first[3:])
    (asked,) = cases(database)
    with pytest.raises(NotDecidable, match="is a known person's: left alone"):
        answer(database, asked["case_id"], "ignore")
    answer(database, asked["case_id"], "new")
    assert dict(decide(database, flow).decisions) == {"known": 1}


def test_answers_hold_for_both_sides_until_more_speaks_for_one_person(database):
    flow = workflow(batch_rows=100)
    ann, other = contact("a", **ACME), contact("p", **BETA)
    go(database, flow, ann)
    tell(database, flow, [ann, other, contact("q", email="ann@beta.com", company="Beta")])
    assert decide(database, flow).held == 2
    first, second = cases(database)
    answer(database, first["case_id"], "new")
    # The one who waits with her is hers, now that she is known.
    assert dict(decide(database, flow).decisions) == {"new": 1, "joined": 1}
    assert people(database) == {"a", "pq"}
    assert cases(database, "OVERTAKEN")[0]["case_id"] == second["case_id"]
    rows = [
        {**ann, **PHONE},
        {**other, **PHONE},
        contact("q", email="ann@beta.com", company="Beta"),
    ]
    assert go(database, flow, *rows)["held"] == 1
    (asked,) = cases(database)
    answer(database, asked["case_id"], "new")
    decide(database, flow)
    # That was asked of one of them, and is answered of the other, at this tier and below.
    assert identity_state(database, "champions", "people").duplicates == 0
    rows = [{**one, "prior": prior} for one, prior in zip(rows, ("B1", "A1", None), strict=True)]
    assert go(database, flow, *rows) == {"known": 2}
    rows = [{**one, **PROFILE} for one in rows[:2]] + rows[2:]
    assert go(database, flow, *rows) == {"known": 1, "held": 1}
    database.execute("delete from review_candidate")
    assert identity_state(database, "champions", "people").duplicates == 1


def test_a_record_that_becomes_somebody_elses_is_asked_about_and_its_person_stays_findable(
    database,
):
    flow = workflow(batch_rows=100)
    ann, late = contact("a", company="ACME", **PROFILE), contact("p", **BETA)
    go(database, flow, {**ann, "email": "ann@acme.com"})
    go(database, flow, {**ann, "email": "ann@acme.com"}, late)
    answer(database, cases(database)[0]["case_id"], "same")
    decide(database, flow)
    # One move, whichever of the two records shows it first.
    go(database, flow, {**ann, "email": "ann@acme.com", "company": "Beta"}, late)
    assert moves(database) == [("a", "p", "Beta")]
    # The later answer counts: it was hers, and is not any more.
    zoe = contact("p", "Zoe Zed", email="zoe@beta.com", company="Beta")
    assert go(database, flow, {**ann, "email": "ann@acme.com", "company": "Beta"}, zoe) == {
        "held": 1
    }
    answer(database, cases(database)[0]["case_id"], "new")
    assert dict(decide(database, flow).decisions) == {"new": 1}
    assert people(database) == {"a", "p"}
    bob = contact("a", "Bob Ray", email="bob@acme.com", company="Beta")
    go(database, flow, bob, zoe)
    answer(database, cases(database)[0]["case_id"], "new")
    decide(database, flow)
    back = contact("z", email="ann@acme.com", company="Beta")
    assert go(database, flow, bob, zoe, back) == {"held": 1}
    number = cases(database)[0]["case_id"]
    (candidate,) = Review(database).case(number).candidates
    assert candidate.records == ()
    answer(database, number, "same", candidate.person_id)
    assert dict(decide(database, flow).decisions) == {"joined": 1}
    assert identity_state(database, "champions", "people").open_cases == 0


def test_nobody_is_hidden_by_others_of_one_mailbox_or_name(database, monkeypatch):
    monkeypatch.setattr(storage, "_ALIKE", 3)
    flow = workflow(batch_rows=4)
    pairs = [
        contact(f"{side}{n}", f"Name{n} Family{n}", email="info@acme.com")
        for side in "mn"
        for n in range(6)
    ]
    alike = [contact(f"x{n}", email=f"{n}@acme.com", company=f"C{n}") for n in range(6)]
    assert go(database, flow, *pairs, *alike) == {"new": 12, "held": 6}
    assert go(database, flow, *pairs, *alike, contact("p", **BETA))["held"] == 1
    asked = cases(database)[-1]
    assert asked["reason"].endswith("more persons of that name or mailbox than are shown")
    shown = {one.person_id for one in Review(database).case(asked["case_id"]).candidates}
    hidden = next(one for n in range(6) if (one := owner(database, f"x{n}")) not in shown)
    answer(database, asked["case_id"], "same", hidden)
    assert dict(decide(database, flow).decisions) == {"joined": 1}
    assert owner(database, "p") == hidden


def test_a_move_of_somebody_who_becomes_part_of_another_at_once_is_the_others(database):
    flow = workflow(batch_rows=100)
    eve = contact("q", "Eve Fox", email="q@q.com")
    ann, too = contact("a", company="ACME", **PROFILE), contact("b", company="Beta", **PROFILE)
    go(database, flow, eve, ann, too)
    go(database, flow, eve, {**ann, "company": "Delta"}, {**too, "master": "q", "dropped": True})
    assert people(database) == {"abq"}
    assert len(moves(database)) == 2
    (whose,) = database.fetch_all("select distinct person_id from job_change")
    assert whose == {"person_id": owner(database, "q")}


def test_what_the_database_does_not_take_and_who_was_erased_stop_nobody(database):
    flow = workflow(batch_rows=100)
    ann, zoe = contact("003000000000001AAA", **ACME), contact("z", "Zoe Zed")
    go(database, flow, ann, zoe, contact("w", company="Acme"))
    assert len(cases(database)) == 1
    _erase(database, ann["id"])
    # Whom he might be is gone: that he waits for nobody is noticed, and he is somebody.
    database.execute("alter table person_record add constraint no_such check (title <> 'bad')")
    database.execute("alter table person_record add constraint not_he check (company <> 'Bad')")
    rows = [
        {**ann, "company": "X"},
        contact("n", "Bad One", company="Bad"),
        {**zoe, "company": "M"},
    ]
    tell(database, flow, [*rows, contact("w", company="Acme")])
    report = decide(database, flow)
    assert dict(report.decisions) == {"new": 1, "known": 1, "held": 1}
    assert (report.rows, report.refused) == (4, 1)
    found = database.fetch_one("select state, reason from contact_delta where contact_id = 'n'")
    assert found["state"] == "DEAD"
    assert "CheckViolation, not_he): mend the record" in found["reason"]
    assert "Bad" not in found["reason"]
    assert states(database)["z"] == "SYNCED"


def _erase(database, record_id):
    from datetime import UTC, datetime

    from syncflow_dagster.core.consent.identifiers import Kind, PrivacyKey
    from syncflow_dagster.nodes.compliance.erasure import erase
    from syncflow_dagster.nodes.compliance.lists import Entry, Identifier

    key, by = PrivacyKey("0123456789abcdef" * 2), Entry("eve", "request", datetime.now(UTC))
    erase(database, [Identifier(Kind.RECORD, record_id)], key, by)
