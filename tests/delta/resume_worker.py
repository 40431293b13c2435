"""Builds a delta of a source that can be resumed, in a process of its own that may be killed."""

from __future__ import annotations

import sys
from pathlib import Path

from delta_cases import headers_node
from resume_cases import PIECE, marked
from source_cases import build_from

from syncflow_dagster.nodes.delta import source
from syncflow_dagster.store.database import Database


def main(url, table, home):
    source.cuts.__defaults__ = (PIECE,)
    node = headers_node(name=table, table=table)
    with Database(url) as database:
        build_from(database, node, marked(), home=Path(home))


if __name__ == "__main__":
    main(*sys.argv[1:])
