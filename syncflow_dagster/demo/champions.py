"""The demo of `champion_tracking`: movers found, plans approved, tags written once or refused."""

from __future__ import annotations

import os
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from syncflow_dagster.commands.find import find_workflow
from syncflow_dagster.commands.run import run_workflow
from syncflow_dagster.demo.world import CHAMPION_APPROVER, WORKFLOWS
from syncflow_dagster.nodes.identity.run import identity_state
from syncflow_dagster.nodes.pull.salesforce_window import LAG
from syncflow_dagster.nodes.tag.approval import plan_store
from syncflow_dagster.nodes.tag.plans import PlanStatus
from syncflow_dagster.store import sql
from syncflow_dagster.store.database import Database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from syncflow_dagster.commands.run import RunResult
    from syncflow_dagster.sandbox.control import ControlClient
    from syncflow_dagster.workflows.loader import LoadedWorkflow

WORKFLOW = "champion_tracking"
_REASON = "looked at by the demo"
#: What of the sandbox's cases leaves a contact free to be tagged: no refusal, nothing unreadable.
_FREE = frozenset({"bounced"})
_EPOCH = "1970-01-01"
#: Seconds after which a read of changes takes a change up: stamps and the org's clock are whole.
_SHOWS_S = LAG.total_seconds() + 2


@dataclass(slots=True)
class ChampionOutcome:
    """What the demo of champion tracking showed.

    Attributes:
        contacts: Contacts that were pulled.
        persons: Persons behind them.
        moves: Moves to new companies.
        questions: Records that wait for a person's decision.
        tagged: Contacts that were written to, by the sandbox's log.
        duplicates: Writes beyond the first of a contact.
        forbidden: Writes to contacts who refuse, or of whom it cannot be read.
        second_run_writes: Writes of another run, in which nothing had changed.
        refused: Changes that were not written, by reason.
        lost: Moves that are neither tagged nor explained.
        errors: What went wrong with the runs themselves.
    """

    contacts: int = 0
    persons: int = 0
    moves: int = 0
    questions: int = 0
    tagged: int = 0
    duplicates: int = 0
    forbidden: int = 0
    second_run_writes: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    lost: int = 0
    errors: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether every promise was kept, and there was something to promise."""
        unkept = (self.duplicates, self.forbidden, self.second_run_writes, self.lost)
        return not self.errors and not any(unkept) and self.tagged > 0

    @property
    def numbers(self) -> dict[str, int]:
        """The counts, by name."""
        return {
            "contacts": self.contacts,
            "persons": self.persons,
            "moves": self.moves,
            "questions": self.questions,
            "tagged": self.tagged,
            "refused": sum(self.refused.values()),
            "forbidden": self.forbidden,
        }

    def lines(self) -> list[str]:
        """Return the outcome for a person."""
        lines = ["", "; ".join(f"{name} {value}" for name, value in self.numbers.items()), ""]
        if self.refused:
            lines.append("Not tagged, and why:")
            lines += [f"  {count:>4}  {reason}" for reason, count in self.refused.items()]
            lines.append("")
        lines.append(
            f"tags twice {self.duplicates} · tags nobody allowed {self.forbidden} · lost "
            f"{self.lost} · writes of a second run {self.second_run_writes}"
        )
        return [*lines, *self.errors]


def run_champions(
    home: Path, control: ControlClient, say: Callable[[str], None]
) -> ChampionOutcome:
    """Run the workflow, let people move, approve what it plans, and run it once more.

    Args:
        home: SyncFlow's home folder.
        control: The sandbox, freshly made.
        say: Told what happens, a line at a time.
    """
    loaded = find_workflow(WORKFLOWS, WORKFLOW)
    say(f"running {WORKFLOW}: contacts → people → moves → a plan of tags, which waits for approval")
    runs = [run_workflow(home, loaded, {}, say)]
    say("some more contacts get a new company in the meantime")
    truth = control.state("salesforce")["truth"]
    control.settings("salesforce", edits=truth["later"])
    edited = time.monotonic()
    runs += _approve_all(home, loaded, say)
    time.sleep(max(0.0, edited + _SHOWS_S - time.monotonic()))
    runs.append(run_workflow(home, loaded, {}, say))
    runs += _approve_all(home, loaded, say)
    log = control.log("salesforce")
    say("running it again: nothing has changed, so nothing may be written")
    runs.append(run_workflow(home, loaded, {}, say))
    again = control.log("salesforce")
    outcome = _judged(again, truth["consent"])
    outcome.second_run_writes = len(again) - len(log)
    outcome.errors = [_error(one) for one in runs if not one.success]
    _add_tables(outcome, loaded)
    return outcome


def _approve_all(home: Path, loaded: LoadedWorkflow, say: Callable[[str], None]) -> list[RunResult]:
    """Approve each plan that waits, in the run that applies it."""
    (node,) = loaded.workflow.tags
    with Database(os.environ["SYNCFLOW_DATABASE_URL"]) as database:
        waiting = plan_store(database, loaded.workflow, node).of_status(PlanStatus.WAITING)
    runs = []
    for plan in waiting:
        say(f"{CHAMPION_APPROVER} approves the plan of {plan.changes} changes")
        approval = {
            "approve_plan": plan.plan_hash,
            "approved_by": CHAMPION_APPROVER,
            "approval_reason": _REASON,
        }
        runs.append(run_workflow(home, loaded, approval, say))
    return runs


def _judged(log: Iterable[Mapping[str, Any]], consent: Mapping[str, str]) -> ChampionOutcome:
    """Count what the log shows, against who allows what."""
    writes = Counter(line["remote_id"] for line in log)
    return ChampionOutcome(
        tagged=len(writes),
        duplicates=sum(times - 1 for times in writes.values()),
        forbidden=sum(consent.get(one, "bounced") not in _FREE for one in writes),
    )


def _add_tables(outcome: ChampionOutcome, loaded: LoadedWorkflow) -> None:
    """Add what our own tables say about the rest."""
    workflow = loaded.workflow
    (people,), (tag,) = workflow.identities, workflow.tags
    with Database(os.environ["SYNCFLOW_DATABASE_URL"]) as database:
        state = identity_state(database, workflow.workflow, people.name)
        given = {"workflow": workflow.workflow, "node": tag.name, "since": _EPOCH, "limit": 1_000}
        effects = database.fetch_all(sql.load("tag")["outcomes"], given)
    outcome.contacts, outcome.persons = state.records + state.waiting, state.persons
    outcome.moves, outcome.questions = state.moves, state.open_cases
    dead = [one for one in effects if one["state"] == "DEAD"]
    refused: Counter[str] = Counter()
    for one in dead:
        refused[one["reason"]] += one["effects"]
    outcome.refused = dict(refused)
    done = sum(one["effects"] for one in effects if one["state"] == "DONE")
    outcome.lost = outcome.moves - done - sum(outcome.refused.values())


def _error(result: RunResult) -> str:
    return f"run {result.run.run_id} failed: {result.run.error}"
