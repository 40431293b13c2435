"""Records that mislead, against a real database: what is asked about in one run is known to all."""

from __future__ import annotations

from identity_cases import contact, decide, moves, people, tell, workflow

from syncflow_dagster.ledger.decisions import By
from syncflow_dagster.nodes.identity.review import Review
from syncflow_dagster.store.clock import DatabaseClock

PROFILE = {"linkedin": "linkedin.com/in/ann"}
DESK = {"phone": "+1 212 555 0100"}


def run(database, flow, *contacts):
    tell(database, flow, list(contacts))
    return dict(decide(database, flow).decisions)


def answered(database, flow, what):
    review = Review(database)
    (case,) = review.cases("champions", "OPEN", 50)
    now = DatabaseClock(database).now()
    review.answer(case["case_id"], what, By("eve", "I know"), now)
    return dict(decide(database, flow).decisions)


def test_what_misleads_is_asked_about_and_answered(database):
    flow = workflow(batch_rows=100)
    ann = contact("a", email="ann@acme.com", company="ACME", **PROFILE)
    eve = contact("e", "Eve Fox", email="eve@acme.com", **DESK)
    assert run(database, flow, ann, eve) == {"new": 2}
    # A number of another name tells nothing; the moves of one person are found once.
    other = contact("b", email="ann@beta.com", company="Beta", **PROFILE)
    kim, kim_too = (contact(each, "Kim Poe", company=each, **DESK) for each in "kl")
    assert run(database, flow, ann, eve, other, kim) == {"joined": 1, "new": 1}
    ann = {**ann, "company": "Beta"}
    assert run(database, flow, ann, eve, other, kim, kim_too) == {"known": 1, "held": 1}
    assert moves(database) == [("a", "b", "Beta")]
    assert answered(database, flow, "new") == {"new": 1}
    rest = [ann, other, kim, kim_too]
    # Eve's record becomes somebody else's, is hers, and becomes one's who is nobody yet.
    miller = {**eve, "last": "Miller", "email": "miller@acme.com"}
    assert run(database, flow, *rest, miller) == {"held": 1}
    assert answered(database, flow, "same") == {"known": 1}
    bob = contact("e", "Bob Ray", email="bob@acme.com")
    assert run(database, flow, *rest, bob) == {"held": 1}
    assert answered(database, flow, "new") == {"new": 1}
    assert run(database, flow, *rest, {**bob, "company": "ACME"}) == {"known": 1}
    assert people(database) == {"ab", "e", "k", "l"}
    # Whoever has an address of hers is asked about her, though she has no record any more.
    late = contact("f", "Zoe Zed", email="eve@acme.com")
    assert run(database, flow, *rest, {**bob, "company": "ACME"}, late) == {"held": 1}
