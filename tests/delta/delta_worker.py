"""Builds one delta in a process of its own, so that the process can be killed half-way."""

from __future__ import annotations

import sys
from pathlib import Path

from delta_cases import batch_of, build, crash_rows, headers_node

from syncflow_dagster.store.database import Database


def main(url, table, home):
    rows = crash_rows(changed=True)
    with Database(url) as database:
        node = headers_node(name=table, table=table)
        batches = batch_of(rows[:2]) + batch_of(rows[2:])
        build(database, node, batches, fingerprint="crash", home=Path(home))


if __name__ == "__main__":
    main(*sys.argv[1:])
