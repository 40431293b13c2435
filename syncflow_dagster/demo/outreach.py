"""The third example in the demo: a dry run, and then two weeks in the sandbox's time."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from syncflow_dagster.commands.find import find_workflow
from syncflow_dagster.commands.run import run_workflow
from syncflow_dagster.demo.lists import write_list
from syncflow_dagster.demo.world import WORKFLOWS, variables
from syncflow_dagster.store.database import Database
from syncflow_dagster.testing.outreach.clock import SandboxClock
from syncflow_dagster.testing.outreach.driver import Driver, outreach_run
from syncflow_dagster.testing.outreach.enrolment import approve_all
from syncflow_dagster.testing.outreach.judge import Verdict, judge
from syncflow_dagster.testing.outreach.world import OutreachWorld, open_inbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncflow_dagster.sandbox.control import ControlClient

WORKFLOW = "linkedin_outreach"
_SERVICE = "unipile"
_LENGTH = timedelta(days=14)


@dataclass(slots=True)
class OutreachOutcome:
    """What the demo of outreach showed.

    Attributes:
        listed: People on the list.
        dry_run_writes: What the dry run sent.
        invited: Invitations, by the sandbox's log.
        messages: Messages, by the log.
        verdict: What the two weeks came to, by what the sandbox knows of its people.
        errors: What went wrong with the runs themselves.
    """

    listed: int = 0
    dry_run_writes: int = 0
    invited: int = 0
    messages: int = 0
    verdict: Verdict = field(default_factory=Verdict)
    errors: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether every promise was kept, and there was something to promise."""
        unkept = (self.dry_run_writes, self.verdict.forbidden, self.verdict.stuck)
        return not self.errors and not any(unkept) and self.invited > 0 and self.messages > 0

    @property
    def numbers(self) -> dict[str, int]:
        """The counts, by name."""
        return {
            "listed": self.listed,
            "enrolled": self.verdict.leads,
            "invited": self.invited,
            "connected": self.verdict.states_of("connected", "replied", "completed"),
            "messages": self.messages,
            "replied": self.verdict.states_of("replied"),
            "opted_out": self.verdict.states_of("suppressed"),
            "completed": self.verdict.states_of("completed"),
        }

    def lines(self) -> list[str]:
        """Return the outcome for a person."""
        wrongs = self.verdict.wrongs
        promises = {
            "writes of the dry run": self.dry_run_writes,
            "invitations twice": wrongs["double_invites"],
            "messages twice": wrongs["double_messages"],
            "sent after an answer": wrongs["sends_after_reply"] + wrongs["sends_after_opt_out"],
            "limits exceeded": len(self.verdict.over_caps),
            "stuck": self.verdict.stuck,
        }
        numbers = "; ".join(f"{name} {value}" for name, value in self.numbers.items())
        kept = " · ".join(f"{name} {value}" for name, value in promises.items())
        return ["", numbers, "", kept, *self.errors]


def run_outreach(home: Path, control: ControlClient, say: Callable[[str], None]) -> OutreachOutcome:
    """Run the workflow dry, approve it, and let two weeks go by.

    Args:
        home: SyncFlow's home folder.
        control: The sandbox, freshly made; its time is moved.
        say: Told what happens, a line at a time.
    """
    outcome = OutreachOutcome()
    lists = Path(os.environ["OUTREACH_LISTS"])
    outcome.listed = write_list(lists, control.state(_SERVICE)["people"])
    say(f"running {WORKFLOW} in dry run: a list → leads → their texts, and nothing is sent")
    done = run_workflow(home, find_workflow(WORKFLOWS, WORKFLOW), {}, say)
    if not done.success:
        outcome.errors.append(f"run {done.run.run_id} failed: {done.run.error}")
        return outcome
    outcome.dry_run_writes = len(control.log(_SERVICE))
    with variables({"OUTREACH_DRY_RUN": "false"}):
        _let_time_go_by(outcome, control, say)
    sent = [line["op"] for line in control.log(_SERVICE)]
    outcome.invited, outcome.messages = sent.count("invite"), sent.count("message")
    return outcome


def _let_time_go_by(
    outcome: OutreachOutcome, control: ControlClient, say: Callable[[str], None]
) -> None:
    loaded = find_workflow(WORKFLOWS, WORKFLOW)
    with Database(os.environ["SYNCFLOW_DATABASE_URL"]) as database:
        world = OutreachWorld(control, SandboxClock(control), database, loaded, dict(os.environ))
        say("the accounts' risk is accepted and their texts are approved; two weeks go by")
        approve_all(world)
        with open_inbox(database, world.clock, os.environ):
            course = Driver(world).go(_LENGTH)
        outcome.errors += course.errors
        run = outreach_run(database, world.clock, loaded, os.environ, 0)
        outcome.verdict = judge(world, len(run.statistics().stuck))
