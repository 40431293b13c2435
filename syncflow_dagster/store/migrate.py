"""Versioned migrations: ``store/migrations/NNNN_name.sql``, applied once, in order.

Each file runs in a transaction of its own, together with its row in ``syncflow.migration``, so a
crash leaves a file either applied and recorded or neither. An advisory lock lets processes that
start at once take turns.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from importlib.resources.abc import Traversable
    from pathlib import Path

    from psycopg.rows import DictRow

    from syncflow_dagster.store.database import Database

_FILE_NAME = re.compile(r"^(?P<version>\d{4})_(?P<name>[a-z0-9_]+)\.sql$")

# Any constant of our own will do; it only has to be the same in every process.
_LOCK = 0x53594E43464C4F57

_TABLE = """
create table if not exists syncflow.migration (
    version integer primary key,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default clock_timestamp()
)
"""


class MigrationError(RuntimeError):
    """The schema cannot be brought to the code's version; the text says what to do."""


class NewerSchema(MigrationError):
    """The database was migrated by newer code than this."""


class ChangedMigration(MigrationError):
    """A migration that is already applied was edited, renumbered or removed."""


@dataclass(frozen=True)
class Migration:
    """One file.

    Attributes:
        version: The number its name starts with.
        name: The rest of its name.
        checksum: SHA-256 of the text with line feeds as line ends, in hex.
        text: The SQL.
    """

    version: int
    name: str
    checksum: str
    text: str

    @property
    def file_name(self) -> str:
        """The name of the file, ``NNNN_name.sql``."""
        return f"{self.version:04d}_{self.name}.sql"


def read_migrations(folder: Path | Traversable | None = None) -> list[Migration]:
    """Read a folder's migrations in order of version.

    Args:
        folder: Where the files are; the package's own when None.

    Raises:
        MigrationError: A file is not named ``NNNN_name.sql``, or two share a version.
    """
    folder = folder or resources.files("syncflow_dagster.store") / "migrations"
    found: dict[int, Migration] = {}
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if not file.name.endswith(".sql"):
            continue
        match = _FILE_NAME.match(file.name)
        if match is None:
            msg = (
                f"{file.name}: a migration is named NNNN_name.sql, for example 0007_add_budget.sql"
            )
            raise MigrationError(msg)
        # read_text turns line ends into \n, so a checkout on Windows has the same checksum.
        text = file.read_text(encoding="utf-8")
        checksum = hashlib.sha256(text.encode()).hexdigest()
        migration = Migration(int(match["version"]), match["name"], checksum, text)
        if migration.version in found:
            msg = (
                f"{file.name} and {found[migration.version].file_name} have the same version; "
                "give the younger one the next free number"
            )
            raise MigrationError(msg)
        found[migration.version] = migration
    return [found[version] for version in sorted(found)]


def migrate(db: Database, folder: Path | Traversable | None = None) -> list[int]:
    """Bring the schema ``syncflow`` to the code's version.

    Args:
        db: The database; its user must own the schema or may create it.
        folder: Where the files are; the package's own when None.

    Returns:
        The versions applied by this call, in order; empty when there was nothing to do.

    Raises:
        NewerSchema: The database holds a version newer than the newest file.
        ChangedMigration: An applied file's text differs, or is gone, or one came in between.
        MigrationError: A file failed, or the user may not create the schema.
    """
    migrations = read_migrations(folder)
    with db.connect() as conn:
        # A session lock: it outlives the transactions below, and dies with this process.
        conn.execute("select pg_advisory_lock(%s)", [_LOCK])
        _create_schema(conn)
        applied = {
            row["version"]: row
            for row in conn.execute("select version, name, checksum from syncflow.migration")
        }
        _refuse_mismatch(migrations, applied)
        pending = [each for each in migrations if each.version not in applied]
        for migration in pending:
            _apply(conn, migration)
        return [migration.version for migration in pending]


def _create_schema(conn: psycopg.Connection[DictRow]) -> None:
    row = conn.execute("select to_regnamespace('syncflow') is not null as present").fetchone()
    assert row is not None
    try:
        if not row["present"]:
            conn.execute("create schema if not exists syncflow")
        conn.execute(_TABLE)
    except psycopg.errors.InsufficientPrivilege as error:
        user, name = conn.info.user, conn.info.dbname
        msg = (
            f"database user {user!r} may not create the schema syncflow or its tables in database "
            f"{name!r}: {error.diag.message_primary}. As its owner, run: "
            f"create schema if not exists syncflow authorization {user}"
        )
        raise MigrationError(msg) from error


def _refuse_mismatch(migrations: Iterable[Migration], applied: Mapping[int, DictRow]) -> None:
    known = {migration.version: migration for migration in migrations}
    newest_known = max(known, default=0)
    newest_applied = max(applied, default=0)
    if newest_applied > newest_known:
        msg = (
            f"the database is at version {newest_applied} "
            f"({applied[newest_applied]['name']}), this code knows {newest_known}: run the newer "
            "code, or restore a backup made before the upgrade"
        )
        raise NewerSchema(msg)
    for version, row in sorted(applied.items()):
        migration = known.get(version)
        if migration is None:
            msg = (
                f"migration {version} ({row['name']}) is applied in the database but its file is "
                "gone: put the file back"
            )
            raise ChangedMigration(msg)
        if migration.checksum != row["checksum"]:
            msg = (
                f"{migration.file_name} was edited after it was applied: put the applied text "
                "back and write the change as a new migration"
            )
            raise ChangedMigration(msg)
    late = [each for each in known.values() if each.version not in applied]
    if late and late[0].version < newest_applied:
        msg = (
            f"{late[0].file_name} is not applied but {newest_applied} is: give it a number above "
            f"{newest_applied}"
        )
        raise ChangedMigration(msg)


def _apply(conn: psycopg.Connection[DictRow], migration: Migration) -> None:
    try:
        with conn.transaction():
            # A migration may not depend on, nor change for the next, the session's search path.
            conn.execute("set local search_path = syncflow, public")
            conn.execute(migration.text, prepare=False)
            conn.execute(
                "insert into syncflow.migration (version, name, checksum) values (%s, %s, %s)",
                [migration.version, migration.name, migration.checksum],
            )
    except psycopg.OperationalError:
        raise  # the server's trouble, not the file's
    except psycopg.Error as error:
        msg = f"{migration.file_name} failed and was rolled back: {error}"
        raise MigrationError(msg) from error
