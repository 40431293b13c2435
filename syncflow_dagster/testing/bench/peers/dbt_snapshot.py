"""`dbt snapshot` with the strategy check over all columns. Runs alone, in the peers' environment.

What is timed is the command inside a process that has dbt imported already.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from dbt.cli.main import dbtRunner


def main(connection: dict[str, Any], key: str, folder: str) -> dict[str, Any]:
    """Snapshot the table `public.rows` into `peer.history`.

    Args:
        connection: The keys of a PostgreSQL target in dbt's profiles.
        key: The column that identifies a record.
        folder: Where the project's files go; the same in each call.

    Raises:
        SystemExit: dbt failed; its words are on stderr.
    """
    _write_project(Path(folder), connection, key)
    arguments = ["--project-dir", folder, "--profiles-dir", folder, "--quiet", "--no-use-colors"]
    started = time.perf_counter()
    result = dbtRunner().invoke(["snapshot", *arguments])
    seconds = time.perf_counter() - started
    if not result.success:
        results = result.result or ()
        sys.exit(f"dbt snapshot failed: {[each.message for each in results]} {result.exception}")
    return {"seconds": seconds}


def _write_project(folder: Path, connection: dict[str, Any], key: str) -> None:
    target = {"type": "postgres", "threads": 1, "schema": "public", **connection}
    snapshot = {
        "name": "history",
        "relation": "source('bench', 'rows')",
        "config": {
            "schema": "peer",
            "unique_key": key,
            "strategy": "check",
            "check_cols": "all",
            "hard_deletes": "invalidate",
        },
    }
    source = {"name": "bench", "schema": "public", "tables": [{"name": "rows"}]}
    files: dict[str, Any] = {
        "dbt_project.yml": {"name": "bench", "version": "1.0", "profile": "bench"},
        "profiles.yml": {"bench": {"target": "dev", "outputs": {"dev": target}}},
        "snapshots/history.yml": {"snapshots": [snapshot]},
        "models/sources.yml": {"sources": [source]},
    }
    # The schema is peer, not public_peer as dbt would have it.
    macro = "{% macro generate_schema_name(name, node) %}{{ name or target.schema }}{% endmacro %}"
    (folder / "macros").mkdir(parents=True, exist_ok=True)
    (folder / "macros/schema.sql").write_text(macro)
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(content))  # JSON is YAML


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(**json.loads(sys.argv[1]))) + "\n")
