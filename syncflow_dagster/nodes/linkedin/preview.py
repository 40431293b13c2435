"""What a person looks at before anything is sent: every text, and what is noteworthy about them."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from syncflow_dagster.core.outreach.render import length, longest
from syncflow_dagster.nodes.linkedin.approval import batch_hash
from syncflow_dagster.nodes.linkedin.names import ledger_account
from syncflow_dagster.nodes.linkedin.run import OutreachRun
from syncflow_dagster.nodes.linkedin.sequence import compile_sequence
from syncflow_dagster.nodes.linkedin.texts import Texts, render_leads, values_of
from syncflow_dagster.store import sql
from syncflow_dagster.workflows.models import UnipileConnection

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.core.outreach.ops import Sequence as Steps
    from syncflow_dagster.core.outreach.render import TextKind
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.loader import LoadedWorkflow
    from syncflow_dagster.workflows.models import LinkedInAccount, LinkedInStepNode

    Connection = psycopg.Connection[DictRow]

#: Faults that a report names; all are counted.
NAMED = 50


@dataclass(frozen=True, slots=True)
class Extreme:
    """The shortest, or longest text of a step.

    Attributes:
        lead_id: Whose it is.
        length: Its length, as limits count it.
    """

    lead_id: int
    length: int


@dataclass(slots=True)
class StepPreview:
    """The texts of one step.

    Attributes:
        step: Index of the step.
        kind: What they are.
        leads: How many leads have one.
        limit: Longest that may be sent from this account.
        at_most: Length with the longest value of each token; over `limit`, and one lead more may
            be one too many.
        shortest: The shortest one.
        longest: The longest one.
        variants: Leads by variant.
        fallbacks: Leads by token whose fallback is used.
    """

    step: int
    kind: TextKind
    leads: int
    limit: int
    at_most: int
    shortest: Extreme | None = None
    longest: Extreme | None = None
    variants: Counter[str] = field(default_factory=Counter)
    fallbacks: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values, without texts."""
        ends = {"shortest": self.shortest, "longest": self.longest}
        return {
            "step": self.step + 1,
            "kind": self.kind,
            "leads": self.leads,
            "limit": self.limit,
            "at_most": self.at_most,
            **{
                name: None if one is None else {"lead": one.lead_id, "length": one.length}
                for name, one in ends.items()
            },
            "variants": dict(self.variants),
            "fallbacks": dict(self.fallbacks),
        }


@dataclass(frozen=True, slots=True)
class Preview:
    """The texts of all leads of a version and account that wait for approval.

    Attributes:
        node: Name of the node.
        account: Name of the account in the node.
        version: Version of the sequence; 0 if nobody is enrolled under it.
        leads: How many leads wait.
        batch_hash: What an approval is bound to; empty if nobody waits.
        steps: The steps that say something.
        missing: Leads without texts, by what is missing or wrong.
        faults: Some of them: lead and reason.
        waiting: Leads whose texts wait for the account's first name.
    """

    node: str
    account: str
    version: int
    leads: int
    batch_hash: str
    steps: tuple[StepPreview, ...] = ()
    missing: Counter[str] = field(default_factory=Counter)
    faults: tuple[tuple[int, str], ...] = ()
    waiting: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON values; no text and no name of a person is in it."""
        return {
            "node": self.node,
            "account": self.account,
            "version": self.version,
            "leads": self.leads,
            "batch_hash": self.batch_hash,
            "steps": [one.as_json() for one in self.steps],
            "missing": dict(self.missing),
            "faults": [{"lead": lead, "reason": reason} for lead, reason in self.faults],
            "waiting": self.waiting,
        }


def make_preview(
    database: Database,
    clock: Clock,
    loaded: LoadedWorkflow,
    node: LinkedInStepNode,
    account: LinkedInAccount,
) -> Preview:
    """Show what would be sent to the leads that wait for approval, and keep that it was shown.

    Drafts whose texts can be made by now are among them.

    Args:
        database: A migrated database.
        clock: Its time.
        loaded: The workflow.
        node: The LinkedIn step.
        account: One of its accounts.
    """
    run = OutreachRun(database, clock, loaded, node.name)
    sequence = compile_sequence(node)
    queries = sql.load("outreach_texts")
    names = {"workflow": loaded.workflow.workflow, "node": node.name}
    row = database.fetch_one(queries["find_version"], {**names, "digest": sequence.digest})
    if row is None:
        return Preview(node.name, account.name, 0, 0, "")
    given = {
        **names,
        "sequence_id": row["sequence_id"],
        "account": ledger_account(run.connection, account),
    }
    now = clock.now()
    with database.transaction() as conn:
        _render_drafts(run, conn, given, now)
        shown = _Shown(run, conn, sequence, account, given)
        preview = shown.preview(row["version"])
        if preview.leads:
            kept = {"batch_hash": preview.batch_hash, "leads": preview.leads, "now": now}
            report = {"report": Jsonb(preview.as_json())}
            conn.execute(queries["keep_preview"], {**given, **kept, **report})
    return preview


def batch_of(
    database: Database, loaded: LoadedWorkflow, node: LinkedInStepNode, account: LinkedInAccount
) -> list[DictRow]:
    """Return the leads that wait for approval; `texts` of each is a list of JSON objects."""
    queries = sql.load("outreach_texts")
    names = {"workflow": loaded.workflow.workflow, "node": node.name}
    digest = compile_sequence(node).digest
    row = database.fetch_one(queries["find_version"], {**names, "digest": digest})
    if row is None:
        return []
    connection = loaded.workflow.connections[node.connection]
    assert isinstance(connection, UnipileConnection)
    given = {"sequence_id": row["sequence_id"], "account": ledger_account(connection, account)}
    return database.fetch_all(queries["batch"], given)


def _render_drafts(
    run: OutreachRun, conn: Connection, given: dict[str, Any], now: datetime
) -> None:
    rows = conn.execute(sql.load("outreach_texts")["drafts"], given).fetchall()
    if rows:
        drafts = run.leads.read_in(conn, [row["lead_id"] for row in rows])
        render_leads(run, conn, list(drafts.values()), now)


class _Shown:
    """What is shown of one version and account, within one transaction."""

    def __init__(
        self,
        run: OutreachRun,
        conn: Connection,
        sequence: Steps,
        account: LinkedInAccount,
        given: dict[str, Any],
    ) -> None:
        self._run, self._account, self._given = run, account, given
        self._queries = sql.load("outreach_texts")
        self._conn = conn
        self._digest = sequence.digest
        self._texts = Texts(sequence, run.node.lead.columns)
        sender = self._do("senders", accounts=[given["account"]])
        self._sender = sender[0]["first_name"] if sender else None

    def preview(self, version: int) -> Preview:
        """Return the report."""
        rows = self._do("batch")
        faults = [(row["lead_id"], row["reason"]) for row in self._do("faulty")]
        steps = self._steps(rows) if rows else ()
        name = batch_hash(self._digest, self._given["account"], rows) if rows else ""
        return Preview(
            self._run.node.name,
            self._account.name,
            version,
            len(rows),
            name,
            steps,
            Counter(reason for _, reason in faults),
            tuple(faults[:NAMED]),
            self._do("waiting_drafts")[0]["leads"],
        )

    def _steps(self, rows: Sequence[DictRow]) -> tuple[StepPreview, ...]:
        longest_values = self._longest_values(rows)
        found: dict[int, StepPreview] = {}
        for step, kind, texts in self._texts.steps:
            made = [self._texts.made(step, kind, one, longest_values) for one in texts]
            limit = longest(kind, self._account.tier)
            at_most = max(length(one.body.text) for one in made)
            found[step] = StepPreview(step, kind, 0, limit, at_most)
        for row in rows:
            for text in row["texts"]:
                _count(found[text["step"]], row["lead_id"], text)
            values = values_of(row["fields"], self._sender)
            for one in self._texts.of(row["person_id"], values):
                found[one.step].fallbacks.update(set(one.used_fallback))
        return tuple(found.values())

    def _longest_values(self, rows: Sequence[DictRow]) -> dict[str, str | None]:
        best: dict[str, str] = defaultdict(str)
        for row in rows:
            for name, value in values_of(row["fields"], self._sender).items():
                if value is not None and length(value) > length(best[name]):
                    best[name] = value
        return dict(best)

    def _do(self, name: str, **more: Any) -> list[DictRow]:
        return self._conn.execute(self._queries[name], {**self._given, **more}).fetchall()


def _count(step: StepPreview, lead_id: int, text: dict[str, Any]) -> None:
    here = Extreme(lead_id, length(text["text"] or ""))
    step.leads += 1
    if text["variant"] is not None:
        step.variants[text["variant"]] += 1
    if step.shortest is None or here.length < step.shortest.length:
        step.shortest = here
    if step.longest is None or here.length > step.longest.length:
        step.longest = here
