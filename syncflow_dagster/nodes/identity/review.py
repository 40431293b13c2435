"""The review queue: what identity nodes ask people, and how it is answered. All answers stay."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from psycopg import sql as compose

from syncflow_dagster.ledger.decisions import NotDecidable
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from datetime import datetime

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.ledger.decisions import By
    from syncflow_dagster.store.database import Database

    Connection = psycopg.Connection[DictRow]

Answer = Literal["same", "new", "ignore"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A person a record may be.

    Attributes:
        person_id: The person.
        likeness: From 0 to 100; it orders the candidates and decides nothing.
        tier: How strongly the record points at the person.
        evidence: What they have in common, in words.
        records: The person's records as they were last known.
    """

    person_id: UUID
    likeness: float
    tier: int
    evidence: tuple[str, ...]
    records: tuple[DictRow, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """A question with all that is needed to answer it.

    Attributes:
        head: The case's own columns.
        record: The delta row it is about; None once that is gone.
        candidates: Who it may be, the best first.
    """

    head: DictRow
    record: DictRow | None
    candidates: list[Candidate] = field(default_factory=list)


class Review:
    """Shows and answers questions.

    Args:
        database: Where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = sql.load("review")

    def cases(self, workflow: str, state: str | None, limit: int) -> list[DictRow]:
        """Return questions of a workflow, the oldest first; each names the `total`.

        Args:
            workflow: Whose.
            state: OPEN, DECIDED or OVERTAKEN; None: all.
            limit: At most so many.
        """
        values = {"workflow": workflow, "state": state, "limit": limit}
        return self._database.fetch_all(self._queries["cases"], values)

    def case(self, case_id: int) -> Case:
        """Return one question.

        Raises:
            NotDecidable: There is none of that number.
        """
        with self._database.transaction() as conn:
            head = conn.execute(self._queries["case"], {"case_id": case_id}).fetchone()
            if head is None:
                raise _unknown(case_id)
            record = None
            if head["known_table"]:
                found = self._on(conn, "row", head, delta_id=head["delta_id"])
                record = found.fetchone()
            rows = conn.execute(self._queries["candidates"], {"case_id": case_id}).fetchall()
            persons = {"persons": [row["person_id"] for row in rows]}
            records = conn.execute(self._queries["records"], persons).fetchall()
        candidates = [
            Candidate(
                row["person_id"],
                row["likeness"],
                row["tier"],
                tuple(row["evidence"]),
                tuple(one for one in records if one["person_id"] == row["person_id"]),
            )
            for row in rows
        ]
        return Case(head, record, candidates)

    def answer(
        self, case_id: int, answer: Answer, by: By, now: datetime, person: UUID | None = None
    ) -> None:
        """Answer a question; the next run of the node goes on from there, and never asks it again.

        Args:
            case_id: The question.
            answer: `same`: the record is the person's. `new`: it is none of the candidates'.
                `ignore`: it is left alone, and nobody's.
            by: Who answers, and why.
            now: Database time.
            person: Whose it is, for `same`: any living person of the node; with one candidate it
                may be left out.

        Raises:
            NotDecidable: There is no such question, it is answered, its record has changed or is
                being looked at again, the person is none, or a known person's record would be
                ignored.
        """
        with self._database.transaction() as conn:
            found = conn.execute(self._queries["case"], {"case_id": case_id}).fetchone()
            if found is None:
                raise _unknown(case_id)
            # No run may decide the record meanwhile.
            names = {"workflow": found["workflow"], "node": found["node"]}
            conn.execute(sql.load("identity")["hold"], names)
            head = conn.execute(self._queries["lock"], {"case_id": case_id}).fetchone()
            assert head is not None
            _must_be_open(head)
            if answer == "ignore":
                self._must_be_nobodys(conn, head)
            whose = self._whose(conn, head, person) if answer == "same" else None
            conn.execute(
                self._queries["answer"],
                {
                    "case_id": case_id,
                    "decision": answer,
                    "person_id": whose,
                    "actor": by.actor,
                    "why": by.reason,
                    "now": now,
                },
            )
            again = self._on(conn, "pending_again", head, delta_id=head["delta_id"], now=now)
            if not again.rowcount:
                raise _changed(head)

    def _whose(self, conn: Connection, head: DictRow, person: UUID | None) -> UUID:
        if person is not None:
            names = {"workflow": head["workflow"], "node": head["node"], "person_id": person}
            if conn.execute(self._queries["living"], names).fetchone() is None:
                msg = f"{person} is no person of {head['workflow']}.{head['node']}, or not any more"
                raise NotDecidable(msg)
            return person
        rows = conn.execute(self._queries["candidates"], head).fetchall()
        candidates = sorted({str(row["person_id"]) for row in rows})
        if len(candidates) == 1:
            return UUID(candidates[0])
        shown = ", ".join(candidates)
        msg = (
            f"case {head['case_id']} has the candidates {shown}: which of them it is has to be "
            "said; give one with --person"
        )
        raise NotDecidable(msg)

    def _must_be_nobodys(self, conn: Connection, head: DictRow) -> None:
        if conn.execute(self._queries["known_record"], head).fetchone() is not None:
            msg = (
                f"record {head['record_id']} is a known person's: left alone, it would never "
                "change again; answer --new to leave it his, and the candidates others, or --same "
                "to make them one"
            )
            raise NotDecidable(msg)

    def _on(
        self, conn: Connection, name: str, head: DictRow, **values: Any
    ) -> psycopg.Cursor[DictRow]:
        text: Any = self._queries[name]
        table = compose.Identifier("syncflow", head["delta_table"])
        return conn.execute(compose.SQL(text).format(table=table), values)


def _unknown(case_id: int) -> NotDecidable:
    return NotDecidable(f"there is no case {case_id}; `syncflow review list WORKFLOW` lists them")


def _must_be_open(head: DictRow) -> None:
    if head["state"] == "DECIDED":
        msg = f"case {head['case_id']} was answered already, by {head['actor']}"
        raise NotDecidable(msg)
    if head["state"] == "OVERTAKEN":
        msg = f"case {head['case_id']} needs no answer any more: what it is about has changed"
        raise NotDecidable(msg)


def _changed(head: DictRow) -> NotDecidable:
    return NotDecidable(
        f"case {head['case_id']} is not what it was: its record has changed or is to be looked at "
        f"again; let the next run of {head['node']} do so, and see `syncflow review list "
        f"{head['workflow']}`"
    )
