"""Where the summaries of runs are kept as files: for each workflow of a database a folder.

A file's name begins with the moment its run began, in UTC, so that names sort by time.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from syncflow_dagster.store.builds import database_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from syncflow_dagster.store.database import Database

_STAMP = "%Y%m%dT%H%M%SZ"


def summaries_folder(home: Path, database: Database, workflow: str) -> Path:
    """Return the folder of a workflow's summaries; it may not be there yet.

    Args:
        home: SyncFlow's home folder.
        database: The database the workflow works in; several may share a home.
        workflow: The workflow's name.
    """
    return home / "summaries" / database_name(database) / workflow


def keep(folder: Path, began_at: datetime, name: str, texts: Mapping[str, str]) -> Path:
    """Write the files of one summary, in the place of those it had before.

    Args:
        folder: See :func:`summaries_folder`.
        began_at: When the run began.
        name: What tells it from others of that second.
        texts: Contents by the end of the file's name.

    Returns:
        The path without that end.

    Raises:
        OSError: The folder cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / f"{began_at.astimezone(UTC):{_STAMP}}_{name}"
    for end, text in texts.items():
        target = stem.with_name(f"{stem.name}.{end}")
        # A reader sees the old file or the new one, never half of it.
        fresh = target.with_name(f".{target.name}")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(target)
    return stem


def delete_older(folder: Path, before: datetime) -> int:
    """Delete the files of runs that began before a moment; return how many there were."""
    limit = f"{before.astimezone(UTC):{_STAMP}}"
    old = [path for path in folder.glob("[0-9]*T[0-9]*Z_*") if path.name < limit]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)
