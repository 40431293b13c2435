"""A worker in a process of its own, and a destination that several processes can share: a file."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from syncflow_dagster.core.outcomes import Done
from syncflow_dagster.core.pace import Pace
from syncflow_dagster.ledger.deliver import Delivery
from syncflow_dagster.ledger.delivery_report import DeliveryOptions
from syncflow_dagster.ledger.effects import Scope
from syncflow_dagster.ledger.ports import Absent, Ambiguous, Effect, Found, Lookup, Probe, Reply
from syncflow_dagster.store.clock import DatabaseClock
from syncflow_dagster.store.database import Database

SCOPE = Scope("orders", "push", 1)


@dataclass
class FileDestination:
    """Applies an effect by adding its key to a file; every process sees the whole file."""

    path: Path
    batch_size: int = 4
    settle_s: float = 0.0
    takes_s: float = 0.0
    hangs: bool = False
    account: str = "file:default"

    @property
    def job_size(self):
        return 0

    def pace(self):
        return Pace.steady(self.batch_size)

    def budgets(self):
        return {"points": (1_000_000, 60.0)}

    def cost(self, effects: Sequence[Effect]):
        return {"points": len(effects)}

    def lookup_cost(self, effects: Sequence[Effect]):
        return {"points": 1}

    def send(self, effects, request_id):
        if self.hangs:
            Path(f"{self.path}.hangs").touch()
            time.sleep(600)
        with self.path.open("a") as file:
            file.write("".join(f"{one.effect_key} {os.getpid()}\n" for one in effects))
        time.sleep(self.takes_s)
        return Reply({one.effect_id: self._done(one) for one in effects})

    def job_look_cost(self):
        return {"points": 1}

    def look_at_job(self, job):
        raise NotImplementedError

    def probe(self):
        return Probe()

    def lookup(self, effects):
        applied = self.applied()
        findings = {}
        for one in effects:
            times = applied.count(one.effect_key)
            done = self._done(one)
            several = Ambiguous("twice") if times > 1 else Found(done.remote_id)
            findings[one.effect_id] = several if times else Absent()
        return Lookup(findings)

    def applied(self):
        """Keys of the applied effects, in their order."""
        return [line.split()[0] for line in self._lines()]

    def processes(self):
        """Ids of the processes that applied something."""
        return {line.split()[1] for line in self._lines()}

    def _lines(self):
        return self.path.read_text().splitlines() if self.path.exists() else []

    def _done(self, effect):
        return Done(f"r-{effect.object_key}") if effect.creates else Done()


def deliver(database, destination, clock=None):
    clock = clock or DatabaseClock(database)
    options = DeliveryOptions(patience_s=20)
    return Delivery(database, clock, destination, SCOPE, options).run()


def main(url, path, takes_s, hangs):
    destination = FileDestination(Path(path), takes_s=float(takes_s), hangs=hangs == "hangs")
    with Database(url) as database:
        deliver(database, destination)


if __name__ == "__main__":
    main(*sys.argv[1:])
