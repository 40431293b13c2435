"""Measures every peer that is installed, and refuses one that found other changes than made."""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import class_row
from sqlalchemy import make_url

import syncflow_dagster
from syncflow_dagster.store.sql import load
from syncflow_dagster.testing.bench import data, floor
from syncflow_dagster.testing.bench.peers import pandas_apply

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncflow_dagster.testing.bench.databases import Databases

    _Run = Callable[[Path, str, data.Files, Path], tuple[float, ...]]

#: The interpreter of the peers' own environment.
PEERS_PYTHON = Path(syncflow_dagster.__file__).parent.parent / ".venv-bench/bin/python"
NOT_INSTALLED = "not installed"
#: Rows up to which peers with a database of their own are measured; they take minutes at that.
MOST_ROWS = 1_000_000
NOT_MEASURED = f"not measured above {MOST_ROWS:,} rows"

#: Nobody is told of the runs, and what is not an error is not said.
_ENVIRONMENT = {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "ERROR",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "DO_NOT_TRACK": "1",
}
_HISTORY = sql.Identifier("peer", "history")
_ROWS = sql.Identifier("rows")


class WrongChangesError(RuntimeError):
    """Somebody found other changes than were made, so times say nothing."""


def measure_peers(
    databases: Databases, files: data.Files, folder: Path, python: Path = PEERS_PYTHON
) -> dict[str, float | str]:
    """Measure the peers on the rows of the run.

    Args:
        databases: The server everything is measured on.
        files: The rows.
        folder: For the peers' own files.
        python: The interpreter of the peers' environment; it need not exist.

    Returns:
        By peer: the seconds of its run over stored state, or the reason why there are none.

    Raises:
        WrongChangesError: A peer found other changes than were made.
        subprocess.CalledProcessError: A peer failed; its own words are on stderr.
    """
    seconds, found = pandas_apply.seconds(files.rows)
    check("pandas_apply", found, data.changes(pandas_apply.sample_size(files.rows)))
    measured: dict[str, float | str] = {"pandas_apply": seconds}
    for names, (package, run) in _PEERS.items():
        if not installed(python, package):
            measured |= dict.fromkeys(names, NOT_INSTALLED)
        elif files.rows > MOST_ROWS:
            measured |= dict.fromkeys(names, NOT_MEASURED)
        else:
            own = folder / names[0]
            own.mkdir()
            url = databases.create(names[0], peer=True)
            measured |= dict(zip(names, run(python, url, files, own), strict=True))
            databases.drop(url)
    return measured


def check(who: str, found: data.Changes, made: data.Changes) -> None:
    """Refuse changes that are not the ones that were made.

    Raises:
        WrongChangesError: They differ.
    """
    if found != made:
        msg = f"{who} found {asdict(found)}, but made were {asdict(made)}: its time says nothing"
        raise WrongChangesError(msg)


def changes_of_history(url: str, valid_from: str, valid_to: str) -> data.Changes:
    """Count the changes of the second of two runs in a peer's history.

    Args:
        url: The peer's database.
        valid_from: Column of `peer.history` with the moment a row began to hold.
        valid_to: Column with the moment it ended, NULL while it holds.
    """
    statement = sql.SQL(load("bench")["history_changes"]).format(
        history=_HISTORY,
        key=sql.Identifier(data.KEY),
        valid_from=sql.Identifier(valid_from),
        valid_to=sql.Identifier(valid_to),
    )
    with psycopg.connect(url) as conn:
        row = conn.cursor(row_factory=class_row(data.Changes)).execute(statement).fetchone()
    assert row is not None  # a count always gives a row
    return row


def _dlt(file_format: str) -> _Run:
    def run(python: Path, url: str, files: data.Files, folder: Path) -> tuple[float, ...]:
        parsed = make_url(url)
        # dlt insists on both; for a socket libpq goes by the host among the parameters.
        named = parsed.set(host=parsed.host or "localhost", password=parsed.password or "none")
        arguments = {
            "url": named.render_as_string(hide_password=False),
            "file_format": file_format,
        }
        _program(python, "dlt_scd2", folder, file=files.clean["stored"], **arguments)
        _analyse(url)
        seconds, _ = _program(python, "dlt_scd2", folder, file=files.clean["read"], **arguments)
        found = changes_of_history(url, "_dlt_valid_from", "_dlt_valid_to")
        check("dlt", found, data.changes(files.rows))
        return (seconds,)

    return run


def _dbt(python: Path, url: str, files: data.Files, folder: Path) -> tuple[float, ...]:
    given = conninfo_to_dict(url)
    connection = {
        "host": given.get("host", "localhost"),
        "port": int(given.get("port") or 5432),
        "user": given.get("user", ""),
        "password": given.get("password", ""),
        "dbname": given["dbname"],
    }
    seconds = command = loading = 0.0
    for version in ("stored", "read"):
        with psycopg.connect(url) as conn:
            conn.execute(sql.SQL("drop table if exists {}").format(_ROWS))
            started = time.perf_counter()
            floor.load_rows(conn, files.clean[version], _ROWS)
            conn.commit()
            loading = time.perf_counter() - started
        _analyse(url)
        told = {"connection": connection, "key": data.KEY}
        seconds, command = _program(python, "dbt_snapshot", folder, **told)
    check(
        "dbt", changes_of_history(url, "dbt_valid_from", "dbt_valid_to"), data.changes(files.rows)
    )
    return seconds, command, loading + command


#: The peers with packages of their own: the names of what is measured, the package that tells
#: whether it is installed, and the run, which gives the seconds of each name.
_PEERS: dict[tuple[str, ...], tuple[str, _Run]] = {
    ("dlt_scd2",): ("dlt", _dlt("csv")),
    ("dlt_scd2_adbc",): ("adbc_driver_postgresql", _dlt("parquet")),
    ("dbt_snapshot", "dbt_snapshot_command", "dbt_snapshot_loaded"): (
        "dbt.adapters.postgres",
        _dbt,
    ),
}


def installed(python: Path, package: str) -> bool:
    """Say whether the peers' environment has a package."""
    code = f"import importlib.util, sys; sys.exit(not importlib.util.find_spec({package!r}))"
    return python.exists() and subprocess.run([python, "-c", code], check=False).returncode == 0


def _program(python: Path, name: str, folder: Path, **arguments: Any) -> tuple[float, float]:
    """Run a peer's program; return the seconds it measured itself, and those of its process."""
    program = Path(__file__).with_name(f"{name}.py")
    told = json.dumps({**arguments, "folder": folder}, default=str)
    started = time.perf_counter()
    done = subprocess.run(
        [python, "-I", program, told],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, **_ENVIRONMENT},
    )
    command = time.perf_counter() - started
    return float(json.loads(done.stdout.splitlines()[-1])["seconds"]), command


def _analyse(url: str) -> None:
    """Do what autovacuum would soon have done."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("vacuum analyze")
