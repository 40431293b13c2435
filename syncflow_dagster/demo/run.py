"""`syncflow demo`: the example workflows in a fresh world, and an honest account of them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from syncflow_dagster.commands.find import find_workflow
from syncflow_dagster.commands.run import run_workflow
from syncflow_dagster.demo.champions import WORKFLOW as CHAMPIONS
from syncflow_dagster.demo.champions import ChampionOutcome, run_champions
from syncflow_dagster.demo.outreach import WORKFLOW as OUTREACH
from syncflow_dagster.demo.outreach import OutreachOutcome, run_outreach
from syncflow_dagster.demo.summary import Standing, Trouble, count_source, standing
from syncflow_dagster.demo.world import (
    CLOCK_SPEED,
    WORKFLOWS,
    environment,
    fresh_databases,
    seed_files,
    variables,
)
from syncflow_dagster.sandbox.control import ControlClient
from syncflow_dagster.sandbox.server import SandboxServer
from syncflow_dagster.store.database import Database
from syncflow_dagster.testing.judge import Judgement, group_titles, judge

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from syncflow_dagster.commands.run import RunResult

WORKFLOW = "order_list"


@dataclass(slots=True)
class DemoOutcome:
    """What the demo showed.

    Attributes:
        standing: Where every record stands.
        judged: The board, by the sandbox's log.
        second_run_writes: Writes of a second run, in which nothing had changed.
        throttled: Requests the sandbox refused for a limit.
        champions: What became of the second example.
        outreach: What became of the third.
        errors: What went wrong with the runs themselves.
    """

    standing: Standing
    judged: Judgement
    second_run_writes: int
    throttled: int
    champions: ChampionOutcome
    outreach: OutreachOutcome
    errors: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether every promise was kept."""
        unkept = (
            self.judged.duplicates,
            self.standing.lost,
            self.second_run_writes,
            self.throttled,
            self.standing.numbers["unknown"],
        )
        others = self.champions.passed and self.outreach.passed
        return not self.errors and not any(unkept) and others

    def as_json(self) -> dict[str, Any]:
        """Return the outcome as one object."""
        return {
            "workflows": {
                WORKFLOW: self.standing.numbers,
                CHAMPIONS: self.champions.numbers,
                OUTREACH: self.outreach.numbers,
            },
            "customers": {
                title: {kind: counts[kind] for kind in ("items", "subitems")}
                for title, counts in sorted(self.judged.customers.items())
            },
            "duplicates": self.judged.duplicates + self.champions.duplicates,
            "lost": self.standing.lost + self.champions.lost,
            "second_run_writes": self.second_run_writes + self.champions.second_run_writes,
            "throttled": self.throttled,
            "not_synced": [_as_json(one) for one in self.standing.trouble],
            "refused_tags": self.champions.refused,
            "outreach_forbidden": self.outreach.verdict.forbidden,
            "errors": self.errors + self.champions.errors + self.outreach.errors,
        }

    def lines(self) -> list[str]:
        """Return the outcome for a person."""
        numbers = self.standing.numbers
        lines = ["", f"{'customer':<28}{'items':>8}{'subitems':>10}", "-" * 46]
        lines += [
            f"{title:<28}{counts['items']:>8}{counts['subitems']:>10}"
            for title, counts in sorted(self.judged.customers.items())
        ]
        lines += ["-" * 46]
        lines += [f"{'on the board':<28}{numbers['items']:>8}{numbers['subitems']:>10}", ""]
        lines += ["; ".join(f"{name} {value}" for name, value in numbers.items()), ""]
        if self.standing.trouble:
            lines.append("Not on the board, or not wholly:")
            lines += [f"  {_told(one)}" for one in self.standing.trouble]
            lines.append("")
        lines.append(
            f"duplicates {self.judged.duplicates} · lost {self.standing.lost} · writes of a second "
            f"run {self.second_run_writes} · throttled {self.throttled}"
        )
        lines += [*self.errors, *self.champions.lines(), *self.outreach.lines()]
        return [*lines, "demo passed" if self.passed else "demo FAILED"]


def run_demo(home: Path, say: Callable[[str], None]) -> DemoOutcome:
    """Run the examples in a fresh world, more than once, and account for every record.

    Args:
        home: SyncFlow's home folder.
        say: Told what happens, a line at a time.

    Raises:
        DemoError: the world cannot be made.
    """
    say("starting PostgreSQL, loading the order book")
    with (
        fresh_databases(home, "demo") as databases,
        SandboxServer(seed_files()) as sandbox,
    ):
        urls = sandbox.urls
        control = ControlClient(urls["control"])
        control.clock(CLOCK_SPEED)
        values = environment(databases, urls)
        with variables(values):
            return _run_twice(home, control, say)


def _run_twice(home: Path, control: ControlClient, say: Callable[[str], None]) -> DemoOutcome:
    loaded = find_workflow(WORKFLOWS, WORKFLOW)
    titles = group_titles(control.state())
    say(f"running {WORKFLOW}: order book → delta → monday.com (the sandbox's)")
    first = run_workflow(home, loaded, {}, say)
    log = control.log()
    say("running it again: nothing has changed, so nothing may be written")
    second = run_workflow(home, loaded, {}, say)
    again = control.log()
    champions = run_champions(home, control, say)
    outreach = run_outreach(home, control, say)
    with Database(os.environ["SYNCFLOW_DATABASE_URL"]) as database:
        judged = judge(again, titles)
        return DemoOutcome(
            standing=standing(database, loaded.workflow, judged, count_source(loaded, database)),
            judged=judged,
            second_run_writes=len(again) - len(log),
            throttled=int(control.stats()["monday"]["throttled"]),
            champions=champions,
            outreach=outreach,
            errors=_errors(first) + _errors(second),
        )


def _errors(result: RunResult) -> list[str]:
    return [] if result.success else [f"run {result.run.run_id} failed: {result.run.error}"]


def _as_json(trouble: Trouble) -> dict[str, Any]:
    return {
        "entity": trouble.entity,
        "record": trouble.record,
        "customer": trouble.customer,
        "state": trouble.state,
        "reason": trouble.reason,
    }


def _told(trouble: Trouble) -> str:
    where = f" ({trouble.customer})" if trouble.customer else ""
    return f"{trouble.state:<8} {trouble.entity} {trouble.record}{where}: {trouble.reason}"
