"""Identity nodes against a real database: who is who, what is asked, and moves as rows."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
import yaml
from click.testing import CliRunner
from identity_cases import contact, decide, document, moves, people, states, tell, workflow

from syncflow_dagster.cli import main
from syncflow_dagster.ledger.decisions import By, NotDecidable
from syncflow_dagster.nodes.delta.build import build_delta
from syncflow_dagster.nodes.identity.moves import SCHEMA, MoveRows
from syncflow_dagster.nodes.identity.review import Review
from syncflow_dagster.nodes.identity.run import identity_state
from syncflow_dagster.nodes.rows import Position
from syncflow_dagster.store.clock import DatabaseClock

EVE = By("eve", "I know her")
PHONE = {"phone": "+1 415 555 2671"}
ACME = {"email": "ann@acme.com", "account": "A1", "company": "ACME Inc."}
BETA = {"email": "ann@beta.com", "account": "B1", "company": "Beta"}
BOB = contact("b", "Bob Ray", email="bob@acme.com", account="A1", company="Acme, Inc")


def cases(database, state="OPEN"):
    return Review(database).cases("champions", state, 50)


def answer(database, number, what, person=None, by=EVE):
    now = DatabaseClock(database).now()
    Review(database).answer(number, what, by, now, person)


def test_a_load_of_movers_strangers_and_questions_and_what_follows(database):
    flow = workflow()
    first = [
        contact("a", **ACME, **PHONE),
        BOB,
        contact("c", "Ann Lee", email="other@gamma.com", company="Gamma"),
        contact("d", "Eve Fox", email="info@acme.com"),
        contact("e", "Joe Doe", email="bob@acme.com"),
    ]
    tell(database, flow, first)
    told = []
    report = decide(database, flow, progress=lambda so_far: told.append(so_far.rows))
    assert told == [3, 5]
    assert dict(report.decisions) == {"new": 4, "held": 1}
    assert (report.rows, report.moves, report.held) == (5, 0, 1)
    assert states(database) == dict.fromkeys("abcd", "SYNCED") | {"e": "HELD"}
    (question,) = report.questions
    assert (question.record_id, question.tier, question.candidates) == ("e", 5, 1)
    assert report.state.open_cases == 1
    assert report.state.oldest_case is not None
    # Nothing is pending: nothing is done, and the question is not asked again.
    assert decide(database, flow).rows == 0

    # A mover with a new record, a move of one record, a name alone, a deletion, a merge.
    second = [
        contact("a", **ACME, **PHONE),
        {**BOB, "company": "Delta", "account": "D1"},
        contact("d", "Eve Fox", email="info@acme.com", master="b", dropped=True),
        first[4],
        contact("f", "Lee, Ann", **BETA, **PHONE),
        contact("g", "Ann Lee", email="ann@nowhere.com"),
    ]
    tell(database, flow, second)
    report = decide(database, flow)
    assert dict(report.decisions) == {"known": 3, "joined": 1, "held": 1}
    assert dict(report.tiers) == {0: 3, 2: 1, 4: 1}
    assert people(database) == {"af", "bd", "c"}
    assert moves(database) == [("b", "b", "Delta"), ("a", "f", "Beta")]
    assert (report.moves, report.united) == (2, 1)
    gone = database.fetch_all("select record_id, company from person_record where gone order by 1")
    assert gone == [{"record_id": "c", "company": "Gamma"}, {"record_id": "d", "company": None}]
    evidence = database.fetch_one("select evidence, tier from job_change where contact_id = 'f'")
    assert evidence["tier"] == 2
    assert evidence["evidence"] == (
        "the same name, Lee, Ann; the same telephone number, ending in 2671"
    )

    # Everything read again as it was: nothing moves twice.
    tell(database, flow, [*second, contact("h", "Kim Poe")])
    report = decide(database, flow)
    assert dict(report.decisions) == {"new": 1}
    assert len(moves(database)) == 2


def test_answers_are_carried_out_once_kept_and_not_asked_for_again(database):
    flow = workflow()
    known = [contact("a", **ACME), contact("b", "Bob Ray", email="desk@acme.com")]
    tell(database, flow, known)
    decide(database, flow)
    late = [
        contact("p", **BETA),
        contact("q", email="ann@gamma.com", company="Gamma"),
        contact("r", "Joe Doe", email="desk@acme.com"),
        contact("s", email="ann@delta.com"),
    ]
    tell(database, flow, [*known, *late])
    assert decide(database, flow).held == 4
    first, second, third, fourth = (row["case_id"] for row in cases(database))
    (candidate,) = Review(database).case(first).candidates
    assert candidate.evidence == ("the same name, Ann Lee", "nothing else in common")
    assert [one["record_id"] for one in candidate.records] == ["a"]

    answer(database, first, "same")
    answer(database, second, "new")
    answer(database, third, "new")
    answer(database, fourth, "ignore")
    assert states(database)["p"] == "PENDING"
    for number, words in ((first, "answered already, by eve"), (999, "there is no case 999")):
        with pytest.raises(NotDecidable, match=words):
            answer(database, number, "new")
    with pytest.raises(psycopg.errors.RestrictViolation):
        database.execute("update review_case set actor = 'me' where case_id = %s", [first])

    report = decide(database, flow)
    assert dict(report.decisions) == {"joined": 1, "new": 2, "ignored": 1}
    assert people(database) == {"ap", "q", "b", "r"}
    assert moves(database) == [("a", "p", "Beta")]
    (row,) = database.fetch_all("select tier, evidence from job_change")
    assert row["tier"] == 3
    assert row["evidence"].startswith("eve decided on 20")
    assert row["evidence"].endswith("that it is the same person: I know her")
    assert cases(database) == []
    kept = cases(database, "DECIDED")
    assert [(one["decision"], one["actor"], one["why"]) for one in kept] == [
        (what, "eve", "I know her") for what in ("same", "new", "new", "ignore")
    ]
    # The records change, but not in what was asked about.
    changed = [{**one, "prior": "X9"} for one in late]
    tell(database, flow, [*known, *changed])
    report = decide(database, flow)
    assert dict(report.decisions) == {"known": 3, "ignored": 1}
    assert len(moves(database)) == 1

    # A mailbox that two were told to have tells nobody apart any more.
    tell(database, flow, [*known, *changed, contact("t", "Zoe Zed", email="desk@acme.com")])
    decide(database, flow)
    (case,) = cases(database)
    shown = Review(database).case(case["case_id"])
    assert (shown.head["tier"], len(shown.candidates)) == (4, 2)
    with pytest.raises(NotDecidable, match="which of them it is"):
        answer(database, case["case_id"], "same")
    whose = shown.candidates[1].person_id
    answer(database, case["case_id"], "same", whose)
    decide(database, flow)
    found = database.fetch_one("select person_id from person_record where record_id = 't'")
    assert found == {"person_id": whose}


def test_a_held_record_that_changes_is_asked_about_anew_or_answers_itself(database):
    flow = workflow()
    known = [contact("a", **ACME), BOB]
    tell(database, flow, known)
    decide(database, flow)
    tell(database, flow, [*known, contact("p", **BETA), contact("q", email="x@y.com")])
    decide(database, flow)
    first, second = cases(database)
    tell(
        database,
        flow,
        [*known, contact("p", **BETA, prior="A1"), contact("q", "Bob Ray", email="x@y.com")],
    )
    report = decide(database, flow)
    assert dict(report.decisions) == {"joined": 1, "held": 1}
    assert moves(database) == [("a", "p", "Beta")]
    (anew,) = cases(database)
    assert anew["case_id"] > second["case_id"]
    shown = Review(database).case(anew["case_id"])
    assert [one.records[0]["record_id"] for one in shown.candidates] == ["b"]
    assert shown.record["last"] == "Ray"
    over = cases(database, "OVERTAKEN")
    assert [one["case_id"] for one in over] == [first["case_id"], second["case_id"]]
    for one in over:
        with pytest.raises(NotDecidable, match="needs no answer"):
            answer(database, one["case_id"], "same")
    # A deleted one needs no answer either.
    tell(database, flow, [*known, contact("p", **BETA, prior="A1")])
    assert dict(decide(database, flow).decisions) == {"gone": 1}
    assert cases(database) == []


def test_persons_that_turn_out_to_be_one_are_united_by_a_decision(database):
    flow = workflow(batch_rows=100)
    begin = [contact("a", **ACME), contact("p", **BETA)]
    # One who is asked about beside those he may be, in one batch.
    tell(database, flow, [*begin, contact("x", "Joe Doe", email="ann@acme.com")])
    assert dict(decide(database, flow).decisions) == {"new": 2, "held": 1}
    assert [one["candidates"] for one in cases(database)] == [1]
    tell(database, flow, begin)
    assert dict(decide(database, flow).decisions) == {"gone": 1}
    profile = {"linkedin": "https://linkedin.com/in/ann"}
    tell(database, flow, [{**one, **profile} for one in begin])
    report = decide(database, flow)
    assert dict(report.decisions) == {"known": 1, "held": 1}
    (case,) = cases(database)
    assert case["reason"] == "is known as one person and has an identifier of another"
    answer(database, case["case_id"], "same")
    report = decide(database, flow)
    assert report.united == 1
    assert people(database) == {"ap"}
    assert moves(database) == [("a", "p", "Beta")]
    state = identity_state(database, "champions", "people")
    assert (state.persons, state.records, state.duplicates) == (1, 2, 0)
    left = database.fetch_all("select distinct person_id from person_identifier")
    assert left == database.fetch_all("select person_id from person where merged_into is null")


def test_the_database_refuses_a_second_person_for_one_identifier(database):
    flow = workflow()
    tell(database, flow, [contact("a", **ACME), BOB])
    decide(database, flow)
    twice = (
        "insert into person_identifier select p.person_id, i.kind, i.value, i.workflow, i.node,"
        " i.record_id, i.shared, i.first_seen from person_identifier i, person p"
        " where i.kind = 'email' and p.person_id <> i.person_id"
    )
    with pytest.raises(psycopg.errors.UniqueViolation, match="one_person_per_identifier"):
        database.execute(twice)
    again = (
        "insert into person_record (workflow, node, record_id, person_id, mailbox_shared, phones,"
        " gone, evidence, joined_at) select workflow, node, 'a', person_id, false, '{}', false,"
        " '{}', now() from person_record where record_id = 'b'"
    )
    with pytest.raises(psycopg.errors.UniqueViolation):
        database.execute(again)


def test_moves_are_rows_that_a_delta_node_makes_an_entity_of(database):
    flow = workflow()
    old = [contact(f"a{n}", f"Ann Lee{n}", **ACME | {"email": f"{n}@acme.com"}) for n in range(5)]
    tell(database, flow, old)
    decide(database, flow)
    rows = MoveRows(database, "champions", "people", batch_rows=2)
    (empty,) = rows.read(Position())
    assert (empty.batch.num_rows, empty.resume, empty.batch.schema) == (0, None, SCHEMA)
    moved = [{**one, "company": "Beta", "account": "B1"} for one in old]
    tell(database, flow, moved)
    assert decide(database, flow).moves == 5
    pieces = list(rows.read(Position()))
    assert [piece.batch.num_rows for piece in pieces] == [2, 2, 1]
    rest = [row for piece in rows.read(Position(after=pieces[0].resume)) for row in _rows(piece)]
    assert rest == [row for piece in pieces[1:] for row in _rows(piece)]

    def build():
        node = flow.node("moves")
        clock = DatabaseClock(database)
        return build_delta(database, flow.workflow, node, rows, parent=None, clock=clock).counts

    assert build()["inserted"] == 5
    tell(database, flow, [{**one, "company": "Gamma", "account": "G1"} for one in moved[:1]])
    decide(database, flow)
    counts = build()
    assert (counts["records"], counts["inserted"]) == (1, 1)
    entity = database.fetch_all("select * from contact_delta_moves order by delta_id")
    assert [row["company"] for row in entity] == ["Beta"] * 5 + ["Gamma"]
    assert rows.fingerprint != MoveRows(database, "champions", "others").fingerprint
    # Another delta node makes an entity of its own of the same moves, such as leads for outreach.
    leads = flow.node("moves").model_copy(update={"name": "leads", "table": "lead_delta"})
    clock = DatabaseClock(database)
    given = (database, flow.workflow, leads, rows)
    assert build_delta(*given, parent=None, clock=clock).counts["inserted"] == 6
    assert build()["inserted"] == 0


def _rows(piece):
    return piece.batch.to_pylist()


def test_the_queue_is_listed_shown_and_answered_from_the_command_line(
    database, database_url, tmp_path
):
    flow = workflow()
    tell(database, flow, [contact("a", **ACME)])
    decide(database, flow)
    tell(database, flow, [contact("a", **ACME), contact("p", **BETA)])
    decide(database, flow)
    folder = tmp_path / "workflows"
    folder.mkdir()
    (folder / "champions.yaml").write_text(yaml.safe_dump(document()), encoding="utf-8")
    (folder / "contacts.sql.j2").write_text("select 1 as id", encoding="utf-8")
    env = {"SYNCFLOW_DATABASE_URL": database_url, "SYNCFLOW_WORKFLOWS": str(folder)}

    def run(*arguments):
        return CliRunner().invoke(main, ["review", *arguments], env=env)

    listed = run("list", "champions", "--json")
    assert listed.exit_code == 0, listed.output
    told = json.loads(listed.stdout)
    assert told["total"] == 1
    number = str(told["cases"][0]["case_id"])
    assert "1 questions" in run("list", "champions").output
    shown = run("show", number, "--json")
    (candidate,) = json.loads(shown.stdout)["candidates"]
    assert candidate["records"][0]["email"] == "ann@acme.com"
    assert json.loads(shown.stdout)["record"]["company"] == "Beta"
    assert "nothing else in common" in run("show", number).output
    for wrong in (
        ("decide", number, "--reason", "x"),
        ("decide", number, "--same", "--new", "--reason", "x"),
        ("decide", number, "--new", "--person", candidate["person_id"], "--reason", "x"),
        ("decide", number, "--same", "--reason", " "),
        ("show", "999"),
    ):
        assert run(*wrong).exit_code != 0
    done = run(
        "decide", number, "--same", "--person", candidate["person_id"], "--reason", "I know her",
        "--actor", "eve", "--json",
    )  # fmt: skip
    assert json.loads(done.stdout)["decision"] == "same"
    assert "by eve: I know her" in run("list", "champions", "--state", "all").output
    assert dict(decide(database, flow).decisions) == {"joined": 1}


def test_two_runs_at_once_decide_each_record_once(database):
    flow = workflow(batch_rows=5)
    first = [contact(f"a{n}", f"Ann Lee{n}", **ACME | {"email": f"{n}@a.com"}) for n in range(30)]
    second = [{**one, "id": f"b{n}", "company": "Beta"} for n, one in enumerate(first)]
    tell(database, flow, [*first, *second])
    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(lambda _: decide(database, flow), range(2)))
    assert sum(report.rows for report in reports) == 60
    assert people(database) == {f"a{n}b{n}" for n in range(30)}
    assert {row["state"] for row in database.fetch_all("select state from contact_delta")} == {
        "SYNCED"
    }
