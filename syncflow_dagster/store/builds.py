"""Where deltas keep what they have read until they are built.

The folder outlives databases: a demo world is made anew under its old name, and two worlds may
share a home. So each database has a folder of its own. What nobody goes on with is thrown away,
since it holds records of a source.
"""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from syncflow_dagster.store.sql import load

if TYPE_CHECKING:
    from pathlib import Path

    from syncflow_dagster.store.database import Database

#: A build goes on with files of the last hour only; a running one writes all the time.
_ABANDONED_AFTER_S = 24 * 3600


def builds_folder(home: Path, database: Database) -> Path:
    """Return the folder for the builds of a database's deltas, after clearing away old ones.

    Args:
        home: SyncFlow's home folder.
        database: The database the deltas are written to.
    """
    folder = home / "deltas"
    for build in filter(_is_old, folder.glob("*/*")):
        shutil.rmtree(build, ignore_errors=True)
    for empty in filter(_is_old, folder.glob("*")):
        with suppress(OSError):  # it is not empty
            empty.rmdir()
    return folder / database_name(database)


def database_name(database: Database) -> str:
    """Return a name that a database shares with no other that ever was."""
    row = database.fetch_one(load("builds")["identify"])
    assert row is not None
    return str(row["name"])


def _is_old(folder: Path) -> bool:
    try:
        newest = max(path.stat().st_mtime for path in [folder, *folder.iterdir()])
    except OSError:
        return False  # its build has ended meanwhile
    return time.time() - newest > _ABANDONED_AFTER_S
