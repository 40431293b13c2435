"""The demo's world: fresh databases, an order book, and a sandbox that plays monday.com."""

from __future__ import annotations

import fcntl
import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from syncflow_dagster.demo.order_book import load_order_book
from syncflow_dagster.store.database import plain_url
from syncflow_dagster.store.embedded import EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).resolve().parents[2]
#: Folder of the example workflows.
WORKFLOWS = ROOT / "workflows"
#: How many times faster than the clock the sandbox's limits recover in the demo.
CLOCK_SPEED = 60.0
_NOWHERE = "http://127.0.0.1"
#: Who approves tags in the demo.
CHAMPION_APPROVER = "Dana Reyes"


class DemoError(RuntimeError):
    """The demo's world cannot be made; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Databases:
    """The databases of one demo world.

    Attributes:
        store: URL of SyncFlow's own database, empty.
        orders: SQLAlchemy URL of the source database, holding the example order book.
        server: The embedded server they live on; None on a server of the user's.
        lists: Folder of the lists of people to write to.
    """

    store: str
    orders: str
    server: EmbeddedPostgres | None
    lists: Path


def seed_files() -> list[Path]:
    """Return the files the sandbox's boards are made from."""
    return sorted((WORKFLOWS / "sandbox").glob("*.json"))


@contextmanager
def fresh_databases(home: Path, name: str) -> Iterator[Databases]:
    """Make the databases `syncflow_<name>` and `syncflow_<name>_orders`, replacing older ones.

    They are on the embedded server, or on the server `SYNCFLOW_DATABASE_URL` names; the database
    that URL names is left alone.

    Raises:
        DemoError: another demo of the same name is running, or the server refuses.
    """
    with ExitStack() as stack:
        stack.enter_context(_only_one(home, name))
        given = os.environ.get("SYNCFLOW_DATABASE_URL")
        server = None if given else stack.enter_context(EmbeddedPostgres(home))
        base = plain_url(given) if given else _url_of(server)
        store = recreate(base, f"syncflow_{name}")
        orders = plain_url(recreate(base, f"syncflow_{name}_orders"), "psycopg")
        load_order_book(orders, reset=True)
        lists = home.resolve() / name / "lists"
        lists.mkdir(parents=True, exist_ok=True)
        yield Databases(store, orders, server, lists)


def environment(databases: Databases, urls: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables the example workflows ask for.

    Args:
        databases: SyncFlow's own, and the order book.
        urls: Where the services answer, and their tokens, as the sandbox tells them; a service
            that is missing is nowhere.
    """
    tokens = urls["tokens"]
    org, tenant = tokens.get("salesforce", {}), tokens.get("unipile", {})
    return {
        "SYNCFLOW_DATABASE_URL": databases.store,
        "SYNCFLOW_WORKFLOWS": str(WORKFLOWS),
        "ORDERS_DATABASE_URL": databases.orders,
        "MONDAY_URL": urls["monday"],
        "MONDAY_TOKEN": tokens["monday"]["personal"],
        "MONDAY_SETTLE_S": "1",
        "ORDER_LIST_CRON": "* * * * *",
        "SALESFORCE_URL": urls.get("salesforce", _NOWHERE),
        "SALESFORCE_CLIENT_ID": org.get("client_id", "nobody"),
        "SALESFORCE_CLIENT_SECRET": org.get("client_secret", "nothing"),
        "SALESFORCE_SETTLE_S": "1",
        "CHAMPION_TRACKING_CRON": "* * * * *",
        "CHAMPION_APPROVER": CHAMPION_APPROVER,
        "UNIPILE_URL": urls.get("unipile", _NOWHERE),
        "UNIPILE_TOKEN": tenant.get("key", "nothing"),
        "UNIPILE_WEBHOOK_SECRET": "nobody needs to guess it in the demo",
        "UNIPILE_SETTLE_S": "1",
        "UNIPILE_ACCOUNT_ANNA": "acc-anna",
        "UNIPILE_ACCOUNT_BEN": "acc-ben",
        "UNIPILE_ACCOUNT_CHIARA": "acc-chiara",
        "OUTREACH_LISTS": str(databases.lists),
        "LINKEDIN_OUTREACH_CRON": "* * * * *",
        "SYNCFLOW_PRIVACY_KEY": "the key of the demo, for nobody but made-up people",
    }


@contextmanager
def variables(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables, and put the former ones back at the end."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _url_of(server: EmbeddedPostgres | None) -> str:
    assert server is not None
    return server.url()


def recreate(base: str, name: str) -> str:
    """Make an empty database, replacing an older one of the name; return its URL.

    Raises:
        DemoError: the server refuses.
    """
    identifier = sql.Identifier(name)
    try:
        with psycopg.connect(base, autocommit=True, connect_timeout=10) as conn:
            conn.execute(sql.SQL("drop database if exists {} with (force)").format(identifier))
            conn.execute(sql.SQL("create database {}").format(identifier))
    except psycopg.Error as error:
        msg = (
            f"the demo cannot create its database {name!r}: {error}. Give the user of "
            "SYNCFLOW_DATABASE_URL the right to create databases, or unset it for the demo"
        )
        raise DemoError(msg) from error
    parts = urlsplit(base)
    return f"{parts.scheme}://{parts.netloc}" + urlunsplit(("", "", f"/{name}", parts.query, ""))


@contextmanager
def _only_one(home: Path, name: str) -> Iterator[None]:
    home.mkdir(parents=True, exist_ok=True)
    with (home / f"{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            msg = f"another `{name}` is running in {home}; stop it, or set SYNCFLOW_HOME"
            raise DemoError(msg) from error
        yield
