"""The databases of a benchmark, all on one server, so that everything measured shares it."""

from __future__ import annotations

import tempfile
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from syncflow_dagster.store.embedded import EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")

#: Memory a peer's query may sort and hash in. With PostgreSQL's default of 4 MB, dlt's
#: `NOT IN (select ...)` over a million rows is not hashed and does not end.
PEER_WORK_MEM = "256MB"


class Databases:
    """Databases that are made for one run and dropped after it.

    Args:
        url: Any database of the server; its user may create databases.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._prefix = f"bench_{uuid.uuid4().hex[:8]}"
        self._made: list[str] = []

    def create(self, name: str, template: str | None = None, *, peer: bool = False) -> str:
        """Create a database.

        Args:
            name: What it is for; unique in the run.
            template: A URL of another database of the run, to be copied; nobody may be
                connected to it.
            peer: Whether a peer will use it.

        Returns:
            Its URL.
        """
        full = f"{self._prefix}_{name}"
        statement = sql.SQL("create database {}").format(sql.Identifier(full))
        if template is not None:
            source = sql.Identifier(str(make_url(template).database))
            statement += sql.SQL(" template {} strategy file_copy").format(source)
        self._execute(statement)
        self._made.append(full)
        if peer:
            set_ = sql.SQL("alter database {} set work_mem = {}")
            self._execute(set_.format(sql.Identifier(full), sql.Literal(PEER_WORK_MEM)))
        return self._url_of(full)

    def drop(self, url: str) -> None:
        """Drop a database of the run."""
        name = str(make_url(url).database)
        self._execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
        self._made.remove(name)

    def settle(self) -> None:
        """Write out what earlier work left behind, so that the next does not pay for it."""
        self._execute(sql.SQL("checkpoint"))

    def close(self) -> None:
        """Drop all databases of the run."""
        for name in list(self._made):
            self.drop(self._url_of(name))

    def _url_of(self, name: str) -> str:
        return make_url(self._url).set(database=name).render_as_string(hide_password=False)

    def _execute(self, statement: sql.SQL | sql.Composed) -> None:
        with psycopg.connect(self._url, autocommit=True) as conn:
            conn.execute(statement)


@contextmanager
def databases(url: str | None) -> Iterator[Databases]:
    """Give the server of a run.

    Args:
        url: A server; None: an embedded one with the settings users get, removed afterwards.
    """
    if url is not None:
        made = Databases(url)
        try:
            yield made
        finally:
            made.close()
        return
    with tempfile.TemporaryDirectory(prefix="syncflow-bench-") as folder:
        # Started by root, the server runs under another account, which must get to the folder.
        Path(folder).chmod(0o711)
        with EmbeddedPostgres(Path(folder)) as server:
            yield Databases(server.url("postgres"))


def a_database_each(cases: Iterable[T], url: str | None) -> Iterator[tuple[T, str]]:
    """Give each case the URL of an empty database of its own, dropped before the next one's.

    Args:
        cases: The cases; for none, no server is started.
        url: A server in which databases may be created; None: an embedded one.
    """
    left = list(cases)
    if not left:
        return
    with databases(url) as server:
        for number, case in enumerate(left):
            one = server.create(f"case{number}")
            yield case, one
            server.drop(one)
