"""Dagster killed over three due times and started again: what is missed runs as the file says.

Everything is real: the supervisor with Dagster's daemon, the embedded server, the clock. What was
read is told by the log of the source's server, not by us.
"""

from __future__ import annotations

import re
import signal
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from psycopg import sql

from syncflow_dagster.demo.world import recreate
from syncflow_dagster.store.database import Database, plain_url
from syncflow_dagster.store.embedded import EmbeddedPostgres
from syncflow_dagster.store.location import locate
from syncflow_dagster.store.sql import load
from syncflow_dagster.testing.bench.idle.stack import Stack, running
from syncflow_dagster.testing.faults.results import FaultResult
from syncflow_dagster.testing.faults.triggers import overlaps_and_gaps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

#: How many of the three due times each policy makes up for.
MADE_UP = {"skip": 0, "latest": 1, "all": 3}
MISSED = 3
_MINUTE = timedelta(minutes=1)
#: What the stack may take until the first due time.
_STARTS_WITHIN = timedelta(seconds=90)
#: It is started again so long after the third, and the next due time is three minutes after that.
_BACK_AFTER, _NEXT_AFTER = timedelta(seconds=45), 3 * _MINUTE
#: A due time served later than this is missed; an on-time tick takes a few seconds.
_LATE_AFTER_S = 40
_SETTLES_WITHIN_S = 300.0
_POLL_S = 1.0
_WORKFLOW = """\
workflow: {name}
description: What a till has sold.
owner: {name}
connections:
  till: {{type: sql, url: "${{SALES_URL}}"}}
triggers:
  - type: cron
    cron: "{minutes} * * * *"
    missed: {missed}
    late_after_s: {late}
nodes:
  - type: pull
    name: pull_sales
    description: Sales from one due time to the next.
    connection: till
    query: {name}.sql.j2
  - type: delta
    name: sales
    description: Sales.
    source: pull_sales
    entity: sale
    table: {name}_delta
    key: [number]
    deletes: {{detect: false}}
    fields: [{{name: number, type: integer, required: true}}]
"""
_QUERY = """\
select number, '{name}' as till,
{{% if interval_start is not none %}}{{{{ interval_start }}}}{{% else %}}null{{% endif %}}
as read_from,
{{{{ interval_end }}}} as read_to from sales where sold_at <= {{{{ interval_end }}}}
{{% if interval_start is not none %}}and sold_at > {{{{ interval_start }}}}{{% endif %}}
"""
#: A read, as the server logs its statement.
_READ = re.compile(
    r"copy \(\s*select number, '(?P<till>\w+)' as till,\s*(?P<start>.+?)\s+as read_from,"
    r"\s*(?P<end>.+?) as read_to",
    re.IGNORECASE,
)
_INSTANT = re.compile(r"'([^']+)'")


def daemon_cases() -> dict[str, str]:
    """Return the policy of each case, by the case's name."""
    return {f"Dagster killed over three due times, missed: {one}": one for one in MADE_UP}


def killed_daemons(wanted: Callable[[str], bool]) -> Iterator[FaultResult]:
    """Kill Dagster over three due times of workflows with each policy, and start it again.

    All are in one stack, as most of it is waiting for the clock.

    Args:
        wanted: Tells by its name whether a case is to run.
    """
    chosen = {name: missed for name, missed in daemon_cases().items() if wanted(name)}
    if not chosen:
        return
    with tempfile.TemporaryDirectory(prefix="syncflow-daemon-") as folder, ExitStack() as stack:
        Path(folder).chmod(0o711)
        home = Path(folder) / "home"
        server = stack.enter_context(EmbeddedPostgres(home))
        world = _World(Path(folder), home, server, _sales(server), _first_due())
        error = world.run(list(chosen.values()))
        for name, missed in chosen.items():
            result = FaultResult(name, "F18", error=error, recovery_s=world.recovery_s)
            if error is None:
                world.judge(missed, result)
            yield result


def _first_due() -> datetime:
    return (datetime.now(UTC) + _STARTS_WITHIN + _MINUTE).replace(second=0, microsecond=0)


def _sales(server: EmbeddedPostgres) -> str:
    """Make the source, a sale a second, and let its server log what it is asked."""
    url = recreate(server.url("postgres"), "sales")
    with Database(url) as database:
        database.execute(load("faults_triggers")["fill_sales"])
        statement = sql.SQL(load("faults_triggers")["log_statements"])
        with database.transaction() as conn:
            conn.execute(statement.format(source=sql.Identifier("sales")))
    return url


@dataclass
class _World:
    """The stack's folder, the source, and the clock's times.

    Attributes:
        folder: Where the stack lives.
        home: SyncFlow's home in it.
        server: The PostgreSQL server.
        sales: URL of the source.
        first: The first due time, which is served before anything is killed.
        recovery_s: Seconds from when Dagster was up again until it had noted what it had missed.
    """

    folder: Path
    home: Path
    server: EmbeddedPostgres
    sales: str
    first: datetime
    recovery_s: float = 0.0

    @property
    def missed(self) -> list[datetime]:
        """The due times at which nobody was there; the first run has two minutes."""
        return [self.first + number * _MINUTE for number in range(2, MISSED + 2)]

    @property
    def last(self) -> datetime:
        """The due time after those."""
        return self.missed[-1] + _NEXT_AFTER

    def run(self, policies: Sequence[str]) -> str | None:
        """Let it happen; return what kept it from being judged."""
        tills = [_till(missed) for missed in policies]
        self._write(policies)
        variables = {"SALES_URL": plain_url(self.sales, "psycopg")}
        with Database(self.server.url()) as database:
            with running(self.folder, variables) as stack:
                if datetime.now(UTC) >= self.first:
                    return f"the stack took longer than {_STARTS_WITHIN} to start"
                if not self._await(database, tills, self.first):
                    return f"the first due time was not served: {self._said(stack)}"
                _kill(stack)
            back = self.missed[-1] + _BACK_AFTER
            if datetime.now(UTC) >= self.missed[0]:
                return "the first due time was served too late to kill anything before the next"
            _sleep_until(back)
            with running(self.folder, variables) as stack:
                started = time.monotonic()
                expected = dict(zip(tills, policies, strict=True))
                noted = _in_time(lambda: len(self._states(database)) == MISSED * len(tills))
                self.recovery_s = round(time.monotonic() - started, 1)
                if not noted or not self._settled(database, expected):
                    return f"what was missed is not settled: {self._said(stack)}"
                _sleep_until(self.last)
                if not self._await(database, tills, self.last):
                    return f"the due time after it was not served: {self._said(stack)}"
        return None

    def judge(self, missed: str, result: FaultResult) -> None:
        """Judge one workflow: by its runs, by what the source was asked, by what was kept."""
        till = _till(missed)
        with Database(self.server.url()) as database:
            runs = database.fetch_all(load("faults_triggers")["runs_of_due_times"])
            (kept,) = self._kept(database, till)
            read_to = _read_to(database, [till])[till]
        ours = [row["due_at"] for row in runs if row["workflow"] == till]
        made_up = sum(due in self.missed for due in ours)
        if made_up != MADE_UP[missed]:
            result.broken.append(f"{made_up} runs for the three due times")
        if len(ours) != len(set(ours)) or not {self.first, self.last} <= set(ours):
            result.broken.append(f"its runs were for {', '.join(map(str, ours))}")
        reads = self._reads(till)
        overlaps, gaps = overlaps_and_gaps(reads)
        with Database(self.sales) as source:
            sold = source.fetch_one(load("faults_triggers")["count_sales"], {"read_to": read_to})
        assert sold is not None
        result.duplicates = overlaps + kept["rows"] - kept["sales"]
        unread = max(0, len(ours) - len(reads))
        result.lost = gaps + unread + abs(sold["sales"] - kept["sales"])
        result.extra_calls = max(0, len(reads) - len(ours))

    def _write(self, policies: Sequence[str]) -> None:
        folder = self.folder / "workflows"
        folder.mkdir()
        minutes = ",".join(str(due.minute) for due in (self.first, *self.missed, self.last))
        for missed in policies:
            name = _till(missed)
            text = _WORKFLOW.format(name=name, minutes=minutes, missed=missed, late=_LATE_AFTER_S)
            (folder / f"{name}.yaml").write_text(text)
            (folder / f"{name}.sql.j2").write_text(_QUERY.format(name=name))

    def _await(self, database: Database, tills: Sequence[str], due: datetime) -> bool:
        """Wait until all have read up to a due time and ended; say whether they did in time."""

        def served() -> bool:
            read_to = _read_to(database, tills).values()
            runs = database.fetch_one(load("faults_triggers")["runs_under_way"])
            assert runs is not None
            return all(at is not None and at >= due for at in read_to) and not runs["runs"]

        return _in_time(served)

    def _settled(self, database: Database, policies: Mapping[str, str]) -> bool:
        """Wait until all missed due times have been read for, or skipped."""

        def settled() -> bool:
            if not {"TAKEN", "SKIPPED"} >= set(self._states(database)):
                return False
            read_to = _read_to(database, list(policies))
            made_up = [till for till, missed in policies.items() if MADE_UP[missed]]
            return all((read_to[till] or self.first) >= self.missed[-1] for till in made_up)

        return _in_time(settled)

    def _states(self, database: Database) -> list[str]:
        rows = database.fetch_all(load("faults_triggers")["slots_by_due_time"])
        return [row["state"] for row in rows if row["due_at"] in self.missed]

    def _kept(self, database: Database, till: str) -> list[dict[str, int]]:
        table = sql.Identifier("syncflow", f"{till}_delta")
        with database.transaction() as conn:
            statement = sql.SQL(load("faults_triggers")["sales_kept"]).format(delta=table)
            return conn.execute(statement).fetchall()

    def _reads(self, till: str) -> list[tuple[datetime | None, datetime]]:
        """Return the intervals the source was asked for, by its server's log."""
        text = locate(self.home).log.read_text(errors="replace")
        found = [read for read in _READ.finditer(text) if read["till"] == till]
        reads = [(_instant(read["start"]), _instant(read["end"])) for read in found]
        return [(start, end) for start, end in reads if end is not None]

    def _said(self, stack: Stack) -> str:
        return stack.log.read_text(errors="replace")[-600:]


def _till(missed: str) -> str:
    return f"till_{missed}"


def _read_to(database: Database, tills: Sequence[str]) -> dict[str, datetime | None]:
    given = {"workflows": list(tills)}
    rows = database.fetch_all(load("faults_triggers")["read_to"], given)
    return {row["workflow"]: row["read_to"] for row in rows}


def _instant(literal: str) -> datetime | None:
    found = _INSTANT.search(literal)
    return None if found is None else datetime.fromisoformat(found[1])


def _kill(stack: Stack) -> None:
    """Kill the supervisor and all it has started, the daemon among it, at once."""
    processes = [stack.process, *stack.process.children(recursive=True)]
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)
    psutil.wait_procs(processes, timeout=10)


def _in_time(is_so: Callable[[], bool]) -> bool:
    until = time.monotonic() + _SETTLES_WITHIN_S
    while time.monotonic() < until:
        if is_so():
            return True
        time.sleep(_POLL_S)
    return False


def _sleep_until(moment: datetime) -> None:
    time.sleep(max(0.0, (moment - datetime.now(UTC)).total_seconds()))
