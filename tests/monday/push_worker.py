"""Pushes once in a process of its own; killed half-way where the environment says so."""

from __future__ import annotations

import json
import sys

from monday_world import MondayWorld

from syncflow_dagster.ledger.delivery_report import DeliveryOptions
from syncflow_dagster.store.clock import DatabaseClock
from syncflow_dagster.store.database import Database


def main(database_url, urls, settings):
    settings = json.loads(settings)
    with Database(database_url) as database:
        world = MondayWorld(
            database,
            json.loads(urls),
            clock=DatabaseClock(database),
            token=settings.get("token", "sandbox-personal"),
            monday={"settle_s": settings.get("settle_s", 0)},
        )
        world.push(delivery=DeliveryOptions(patience_s=30))


if __name__ == "__main__":
    main(*sys.argv[1:])
