"""What a person may want of outreach, checked and carried out: for commands and Dagster alike."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from syncflow_dagster.nodes.linkedin import interventions_now
from syncflow_dagster.nodes.linkedin.interventions import Interventions, NotPossible
from syncflow_dagster.nodes.linkedin.interventions_switch import EVERYTHING, Switch, replay
from syncflow_dagster.nodes.linkedin.leads import LeadStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.ledger.decisions import By
    from syncflow_dagster.nodes.linkedin.leads import Lead
    from syncflow_dagster.nodes.linkedin.run import OutreachRun
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models import LinkedInStepNode, Workflow


class WronglyAsked(ValueError):
    """What is wanted does not go together; the text says what would be right."""


class Tool(StrEnum):
    """What a person can do."""

    requeue = "requeue"
    reconcile = "reconcile"
    mark_sent = "mark_sent"
    mark_connected = "mark_connected"
    skip = "skip"
    cancel = "cancel"
    pause = "pause"
    resume = "resume"
    withdraw = "withdraw"
    replay = "replay"
    stuck = "stuck"
    stop = "stop"
    start = "start"


_WORDS = {
    "lead": "a lead",
    "event": "an event",
    "everything": "everything",
    "node": "a node",
    "account": "an account",
    "evidence": "evidence",
    "remote_id": "an id of Unipile's",
}
_HELD = ("lead", "node", "account")
_SWITCHED = ("everything", "node", "account")
#: What each tool is about: exactly one of these. All others are about a lead.
_ABOUT: dict[Tool, tuple[str, ...]] = {
    Tool.pause: _HELD,
    Tool.resume: _HELD,
    Tool.stop: _SWITCHED,
    Tool.start: _SWITCHED,
    Tool.replay: ("event",),
}
#: What else may be said.
_BESIDE = {Tool.mark_sent: "remote_id", Tool.mark_connected: "evidence", Tool.stuck: "node"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person wants.

    Attributes:
        tool: What is to be done.
        by: Who wants it, and why; None only to look (`stuck`).
        lead: About this lead.
        node: About this node, as `workflow.node`.
        account: About this account, as `unipile:tenant/name`, or a tenant, as `unipile:tenant`.
        everything: About all that sends on LinkedIn.
        event: About this event of the inbox.
        evidence: Where it can be seen that a lead is connected.
        remote_id: Unipile's id of the invitation or message that was sent.

    Raises:
        WronglyAsked: It does not go together.
    """

    tool: Tool
    by: By | None = None
    lead: int | None = None
    node: str | None = None
    account: str | None = None
    everything: bool = False
    event: int | None = None
    evidence: str | None = None
    remote_id: str | None = None

    def __post_init__(self) -> None:
        faults = list(self._faults())
        if faults:
            msg = f"{self.tool}: {'; '.join(faults)}"
            raise WronglyAsked(msg)

    def _faults(self) -> Iterator[str]:
        looks = self.tool is Tool.stuck
        about = () if looks else _ABOUT.get(self.tool, ("lead",))
        given = [name for name in _WORDS if getattr(self, name)]
        if not looks and len([name for name in given if name in about]) != 1:
            one = "exactly one of " if len(about) > 1 else ""
            yield f"name {one}{_words(about)}"
        beside = _BESIDE.get(self.tool)
        others = [name for name in given if name not in about and name != beside]
        if others:
            yield f"leave out {_words(others)}"
        if self.tool is Tool.mark_connected and not (self.evidence or "").strip():
            yield "say where it can be seen (evidence)"
        if not looks and (
            self.by is None or not (self.by.actor.strip() and self.by.reason.strip())
        ):
            yield "say who wants it (by) and why (reason)"


def carry_out(
    wanted: Wanted, database: Database, clock: Clock, run_of: Callable[[int], OutreachRun]
) -> str:
    """Do what a person wants, and note it; return what was done.

    Args:
        wanted: Anything but `stuck`, which is only looked at.
        database: Leads and ledger.
        clock: Database time.
        run_of: Gives the node of a lead, for what needs it.

    Raises:
        NotPossible: It cannot be done as things stand.
    """
    assert wanted.by is not None
    if wanted.lead is not None:
        return _on_lead(wanted, wanted.lead, wanted.by, Interventions(database, clock), run_of)
    if wanted.event is not None:
        return replay(database, clock, wanted.event, wanted.by)
    scope = EVERYTHING if wanted.everything else wanted.node or wanted.account
    assert scope is not None
    switch = Switch(database, clock)
    if wanted.tool in {Tool.start, Tool.resume}:
        return switch.start(scope, wanted.by)
    told = switch.stop(scope, wanted.by)
    known = switch.is_known(scope)
    return told if known else f"{told}; nobody is a lead of it, is it spelled right?"


def lead_of(database: Database, lead_id: int, workflow: str | None = None) -> Lead:
    """Return a lead.

    Args:
        database: Where it is.
        lead_id: Its number.
        workflow: Whose it must be; anybody's, if left out.

    Raises:
        NotPossible: There is none of this number, or it is another workflow's.
    """
    lead = LeadStore(database).read([lead_id]).get(lead_id)
    if lead is None:
        msg = f"there is no lead {lead_id}; `syncflow outreach leads WORKFLOW` lists them"
        raise NotPossible(msg)
    if workflow not in {None, lead.workflow}:
        msg = f"lead {lead_id} is one of workflow {lead.workflow!r}, not of {workflow!r}"
        raise NotPossible(msg)
    return lead


def steps_of(workflow: Workflow, node: str | None = None) -> list[LinkedInStepNode]:
    """Return a workflow's LinkedIn steps, or the one that is named.

    Raises:
        NotPossible: It has none, or not this one.
    """
    chosen = [one for one in workflow.linkedin_steps if node in {None, one.name}]
    if not chosen:
        names = ", ".join(one.name for one in workflow.linkedin_steps) or "none"
        msg = f"workflow {workflow.workflow!r} has no such linkedin_step; it has: {names}"
        raise NotPossible(msg)
    return chosen


def _on_lead(
    wanted: Wanted,
    lead: int,
    by: By,
    tools: Interventions,
    run_of: Callable[[int], OutreachRun],
) -> str:
    plain = {
        Tool.requeue: tools.requeue,
        Tool.skip: tools.skip,
        Tool.cancel: tools.cancel,
        Tool.pause: tools.pause,
        Tool.resume: tools.resume,
    }
    if wanted.tool in plain:
        return plain[wanted.tool](lead, by)
    if wanted.tool is Tool.mark_sent:
        return tools.mark_sent(lead, by, wanted.remote_id or None)
    run = run_of(lead)
    if wanted.tool is Tool.reconcile:
        return interventions_now.reconcile(run, lead, by)
    if wanted.tool is Tool.withdraw:
        return interventions_now.withdraw(run, lead, by)
    assert wanted.tool is Tool.mark_connected
    return interventions_now.mark_connected(run, lead, by, wanted.evidence or "")


def _words(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(_WORDS[name] for name in names)
