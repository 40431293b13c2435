"""Dagster's instance on our PostgreSQL."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import syncflow_dagster

if TYPE_CHECKING:
    from dagster import DagsterInstance

    from syncflow_dagster.store.database import Database

_CONFIGURATION = Path(syncflow_dagster.__file__).parent.parent / "dagster.yaml"


def prepare_dagster_home(home: Path, database: Database) -> dict[str, str]:
    """Create Dagster's home in ours, with the project's ``dagster.yaml``.

    Args:
        home: SyncFlow's home folder.
        database: Holds Dagster's storage too, in the schema ``public``.

    Returns:
        The variables that make ``DagsterInstance.get()`` find it: ``DAGSTER_HOME`` and
        ``DAGSTER_PG_URL``.
    """
    folder = home.absolute() / "dagster"
    folder.mkdir(parents=True, exist_ok=True)
    _copy_whole(_CONFIGURATION, folder / "dagster.yaml")
    return {"DAGSTER_HOME": str(folder), "DAGSTER_PG_URL": database.psycopg2_url}


def open_instance(environment: dict[str, str]) -> DagsterInstance:
    """Open the instance, create its tables, and bring older ones to this Dagster's version.

    Args:
        environment: What :func:`prepare_dagster_home` returned. It is put into this process's
            environment, where ``dagster.yaml`` refers to it.
    """
    from dagster import DagsterInstance

    os.environ.update(environment)
    instance = DagsterInstance.from_config(environment["DAGSTER_HOME"])
    instance.upgrade()
    return instance


def _copy_whole(source: Path, target: Path) -> None:
    """Copy so that another process sees the old file or the new one, never a part."""
    text = source.read_text()
    if target.exists() and target.read_text() == text:
        return
    with tempfile.NamedTemporaryFile("w", dir=target.parent, delete=False) as draft:
        draft.write(text)
    Path(draft.name).replace(target)
