"""The texts of leads: made when they are enrolled, checked, and kept as they would be sent."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from syncflow_dagster.core.outreach import tokens
from syncflow_dagster.core.outreach.names import clean_first_name
from syncflow_dagster.core.outreach.ops import Act
from syncflow_dagster.core.outreach.render import check_text, text_hash
from syncflow_dagster.core.outreach.states import LeadState
from syncflow_dagster.core.outreach.variants import choose
from syncflow_dagster.nodes.linkedin.approval import approval_of
from syncflow_dagster.nodes.linkedin.names import ledger_account
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.core.outreach import ops
    from syncflow_dagster.core.outreach.render import TextKind
    from syncflow_dagster.core.outreach.tokens import Rendered, Template
    from syncflow_dagster.nodes.linkedin.leads import Lead
    from syncflow_dagster.nodes.linkedin.run import OutreachRun

    Connection = psycopg.Connection[DictRow]

#: What the text of an action is.
TEXT_OF_KIND: dict[str, TextKind] = {"invite": "note", "message": "message", "inmail": "inmail"}
SENDER = "sender_first_name"


@dataclass(frozen=True, slots=True)
class MadeText:
    """What one step says to one lead.

    Attributes:
        step: Index of the step.
        kind: What it is: a note, a message, an InMail.
        variant: Name of the variant it was made of.
        body: The text.
        subject: Its subject, of an InMail.
    """

    step: int
    kind: TextKind
    variant: str | None
    body: Rendered
    subject: Rendered | None

    @property
    def missing(self) -> tuple[str, ...]:
        """Tokens that have neither a value nor a fallback."""
        return self.body.missing + (self.subject.missing if self.subject else ())

    @property
    def used_fallback(self) -> tuple[str, ...]:
        """Tokens whose fallback stands in it."""
        return self.body.used_fallback + (self.subject.used_fallback if self.subject else ())


@dataclass(slots=True)
class RenderReport:
    """What became of leads whose texts were made.

    Attributes:
        ready: How many wait for approval.
        released: How many need none, as their version and account have it.
        waiting: How many wait for the account's name, which their texts have in them.
        faulty: Why the texts of the others cannot be sent, by lead.
    """

    ready: int = 0
    released: int = 0
    waiting: int = 0
    faulty: dict[int, str] = field(default_factory=dict)


class Texts:
    """Makes the texts of one version of a sequence.

    Args:
        sequence: The version.
        columns: Names of the node's own tokens.
    """

    def __init__(self, sequence: ops.Sequence, columns: Sequence[str]) -> None:
        self._sequence = sequence
        self._columns = tuple(columns)
        self._parsed: dict[str, Template] = {}

    @property
    def steps(self) -> list[tuple[int, TextKind, tuple[ops.Text, ...]]]:
        """The steps that say something: index, what it is, and its variants."""
        return [
            (step, TEXT_OF_KIND[op.kind], op.texts)
            for step, op in enumerate(self._sequence.ops)
            if isinstance(op, Act) and op.texts
        ]

    def of(self, person_id: int, values: Mapping[str, str | None]) -> list[MadeText]:
        """Return what is said to a person, step by step."""
        made = []
        for step, kind, texts in self.steps:
            chosen = choose(person_id, self._sequence.digest, step, texts)
            made.append(self.made(step, kind, chosen, values))
        return made

    def made(
        self, step: int, kind: TextKind, text: ops.Text, values: Mapping[str, str | None]
    ) -> MadeText:
        """Return what one variant of a step says with some values."""
        subject = None
        if text.subject is not None:
            subject = tokens.render(self._template(text.subject), values)
        body = tokens.render(self._template(text.text), values)
        return MadeText(step, kind, text.variant, body, subject)

    def uses(self, token: str) -> bool:
        """Whether a token without a fallback is in one of the texts."""
        needed = [
            part
            for _, _, texts in self.steps
            for text in texts
            for template in (text.text, text.subject)
            if template is not None
            for part in self._template(template).parts
        ]
        return tokens.Token(token) in needed

    def _template(self, text: str) -> Template:
        if text not in self._parsed:
            self._parsed[text] = tokens.parse(text, self._columns)
        return self._parsed[text]


def values_of(fields: Mapping[str, Any], sender_first_name: str | None) -> dict[str, str | None]:
    """Return the values of tokens for one lead.

    Args:
        fields: The lead's fields.
        sender_first_name: Of the account's owner.
    """
    values = {name: tokens.clean_value(value) for name, value in fields.items()}
    first, last = values.get("first_name"), values.get("last_name")
    whole = values.get("full_name")
    if whole is None and first and last:
        values["full_name"] = f"{first} {last}"
    if first is None and whole is not None and len(whole.split()) > 1:
        # "Doe, Jane" has the first name behind the comma.
        before, comma, behind = whole.partition(",")
        first = (behind if comma else before).split()[0] if (behind or not comma) else None
    values["first_name"] = clean_first_name(first)
    return values | {SENDER: clean_first_name(sender_first_name)}


def fault_of(
    made: Sequence[MadeText], tier: str | None, *, links_in_note: bool, earlier: Collection[str]
) -> str | None:
    """Return why the texts of a lead cannot be sent, naming step and token; None if they can.

    No value of the lead is in it.

    Args:
        made: The lead's texts.
        tier: The account's subscription.
        links_in_note: Whether notes may have links.
        earlier: `text_hash` of what was said to the person before.
    """
    said = set(earlier)
    for one in made:
        where = f"step {one.step + 1} ({one.kind})"
        if one.missing:
            return f"{where}: {{{{{one.missing[0]}}}}} has neither a value nor a fallback"
        faults = check_text(
            one.kind,
            one.body.text,
            tier,
            links_allowed=links_in_note or one.kind != "note",
            earlier=said,
        )
        if one.subject is not None:
            faults += check_text("subject", one.subject.text, tier)
        if faults:
            return f"{where}: {faults[0].reason}"
        said.add(text_hash(one.body.text))
    return None


def render_leads(
    run: OutreachRun, conn: Connection, leads: Sequence[Lead], now: datetime
) -> RenderReport:
    """Make and check the texts of drafts, and put each where it belongs.

    Texts that can be sent wait for approval, or need none if their version and account have it. A
    lead whose texts cannot be made needs a person; the others go on.

    Args:
        run: The node's run.
        conn: A transaction in which the leads are locked, or were made.
        leads: Drafts.
        now: Database time.
    """
    batch = _Batch(run, conn, leads, now)
    for lead in leads:
        batch.take(lead)
    return batch.finish()


class _Batch:
    """Drafts of one transaction."""

    def __init__(
        self, run: OutreachRun, conn: Connection, leads: Sequence[Lead], now: datetime
    ) -> None:
        self._run, self._conn, self._now = run, conn, now
        self._queries = sql.load("outreach_texts")
        self._tiers = {ledger_account(run.connection, one): one.tier for one in run.node.accounts}
        self._texts: dict[int, Texts] = {}
        self._approved: dict[tuple[int, str], int | None] = {}
        self._rows: list[dict[str, Any]] = []
        self._report = RenderReport()
        accounts = {"accounts": list({lead.account for lead in leads})}
        rows = conn.execute(self._queries["senders"], accounts).fetchall()
        self._senders = {row["account"]: row["first_name"] for row in rows}
        persons = [lead.person_id for lead in leads]
        self._leads = [lead.lead_id for lead in leads]
        given = {"persons": persons, "leads": self._leads}
        self._earlier: dict[int, set[str]] = defaultdict(set)
        for row in conn.execute(self._queries["earlier"], given).fetchall():
            self._earlier[row["person_id"]].add(row["sha256"])

    def take(self, lead: Lead) -> None:
        """Make the texts of one draft."""
        texts = self._texts.get(lead.sequence_id)
        if texts is None:
            sequence = self._run.versions.sequence(lead.sequence_id)
            texts = self._texts[lead.sequence_id] = Texts(sequence, self._run.node.lead.columns)
        sender = self._senders.get(lead.account)
        if sender is None and texts.uses(SENDER):
            self._report.waiting += 1
            return
        made = texts.of(lead.person_id, values_of(lead.fields, sender))
        fault = fault_of(
            made,
            self._tiers.get(lead.account),
            links_in_note=self._run.node.links_in_note,
            earlier=self._earlier[lead.person_id],
        )
        if fault is not None:
            self._report.faulty[lead.lead_id] = fault
            self._run.leads.move(self._conn, lead, LeadState.NEEDS_REVIEW, self._now, fault)
            return
        self._rows += [_row(lead, one) for one in made]
        self._place(lead)

    def _place(self, lead: Lead) -> None:
        version = (lead.sequence_id, lead.account)
        if version not in self._approved:
            first = self._run.node.approval == "first"
            self._approved[version] = approval_of(self._conn, *version) if first else None
        approval = self._approved[version]
        if approval is None:
            self._report.ready += 1
            state, why, facts = LeadState.AWAITING_APPROVAL, None, None
        else:
            self._report.released += 1
            state, why = LeadState.PENDING_INVITE, "its version and account are approved"
            facts = {"approval_id": approval}
        self._run.leads.move(self._conn, lead, state, self._now, why, facts=facts)

    def finish(self) -> RenderReport:
        """Write the texts down, and why these people may be written to."""
        basis = Jsonb(self._run.node.lawful_basis.model_dump(mode="json"))
        self._conn.execute(
            self._queries["keep_basis"], {"leads": self._leads, "basis": basis, "now": self._now}
        )
        with self._conn.cursor() as cursor:
            cursor.executemany(self._queries["keep_text"], self._rows)
        return self._report


def _row(lead: Lead, made: MadeText) -> dict[str, Any]:
    return {
        "lead_id": lead.lead_id,
        "step": made.step,
        "variant": made.variant,
        "subject": None if made.subject is None else made.subject.text,
        "text": made.body.text,
        "sha256": text_hash(made.body.text),
    }
