"""Folders of workflow files, and a world to run them in: source, board and database."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import partition_cases
import pytest
from dagster_cases import ORDER_LIST
from sqlalchemy import create_engine, text

from syncflow_dagster.assets import plots
from syncflow_dagster.demo.order_book import load_order_book
from syncflow_dagster.resources.store import StoreResource
from syncflow_dagster.sandbox.control import ControlClient
from syncflow_dagster.sandbox.server import SandboxServer
from syncflow_dagster.store.database import Database, plain_url
from syncflow_dagster.workflows.loader import LoadedWorkflow, load_file

# The last ten orders hold the dirty rows, one of each kind.
_KEPT = "order_number like 'SO-41036%' or order_number like 'SO-41037%'"


@pytest.fixture
def variables(monkeypatch) -> None:
    """The variables the example files refer to; nothing answers at their addresses."""
    monkeypatch.setenv("ORDERS_DATABASE_URL", "postgresql://nobody:s3cret@127.0.0.1:1/orders")
    monkeypatch.setenv("SALESFORCE_URL", "https://nobody.my.salesforce.com")
    monkeypatch.setenv("SALESFORCE_CLIENT_ID", "s3cret-id")
    monkeypatch.setenv("SALESFORCE_CLIENT_SECRET", "s3cret-too")
    monkeypatch.setenv("FREIGHT_DATABASE_URL", "postgresql://nobody:s3cret@127.0.0.1:1/freight")
    monkeypatch.setenv("MONDAY_TOKEN", "monday-s3cret")
    monkeypatch.setenv("UNIPILE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("UNIPILE_TOKEN", "unipile-s3cret")
    monkeypatch.setenv("UNIPILE_WEBHOOK_SECRET", "webhook-s3cret-of-nobody")
    for name in ("ANNA", "BEN", "CHIARA"):
        monkeypatch.setenv(f"UNIPILE_ACCOUNT_{name}", name.lower())
    monkeypatch.setenv("OUTREACH_LISTS", "/nowhere")
    monkeypatch.setenv("LOGISTICS_MONDAY_TOKEN", "monday-s3cret")
    monkeypatch.setenv("SYNCFLOW_DATABASE_URL", "postgresql://nobody:s3cret@127.0.0.1:1/own")


@dataclass(frozen=True)
class World:
    """A small order book, a board, and SyncFlow's database."""

    loaded: LoadedWorkflow
    store: StoreResource
    database: Database
    sandbox: ControlClient
    orders: str
    environment: dict[str, str]

    def change(self, statement: str) -> None:
        """Change the source."""
        _change(self.orders, statement)

    def writes(self) -> list[str]:
        """What the board took, oldest first."""
        return [entry["op"] for entry in self.sandbox.log("monday")]


def _change(url: str, *statements: str) -> None:
    engine = create_engine(url)
    with engine.begin() as conn:
        for statement in statements:
            conn.execute(text(statement))
    engine.dispose()


@pytest.fixture(scope="session")
def _few_orders(tmp_path_factory) -> Path:
    """The last orders of the book, for each test to copy."""
    file: Path = tmp_path_factory.mktemp("orders") / "orders.db"
    load_order_book(f"sqlite:///{file}", reset=True)
    _change(
        f"sqlite:///{file}",
        f"delete from order_list where not ({_KEPT})",
        f"delete from order_list_sizes where not ({_KEPT})",
    )
    return file


@pytest.fixture
def world(database: Database, monkeypatch, tmp_path, _few_orders) -> Iterator[World]:
    orders = f"sqlite:///{shutil.copy(_few_orders, tmp_path)}"
    with SandboxServer([ORDER_LIST / "sandbox" / "order_list.board.json"]) as sandbox:
        urls = sandbox.urls
        environment = {
            "ORDERS_DATABASE_URL": orders,
            "MONDAY_URL": urls["monday"],
            "MONDAY_TOKEN": urls["tokens"]["monday"]["personal"],
            "MONDAY_SETTLE_S": "0",
            "SYNCFLOW_HOME": str(tmp_path / "home"),
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        loaded = load_file(ORDER_LIST / "order_list.yaml", environment)
        assert isinstance(loaded, LoadedWorkflow)
        store = StoreResource(database_url=plain_url(database.url))
        control = ControlClient(urls["control"])
        yield World(loaded, store, database, control, orders, environment)


_draw = plots._drawn
_PICTURES: dict[tuple[str, ...], dg.MarkdownMetadataValue] = {}


def _drawn_once(
    counts: Mapping[str, float], labels: Sequence[str], title: str, longest: float | None = None
) -> dg.MarkdownMetadataValue:
    kind = (title, *counts)
    if kind not in _PICTURES:
        _PICTURES[kind] = _draw(counts, labels, title, longest)
    return _PICTURES[kind]


@pytest.fixture
def _each_picture_once(monkeypatch) -> None:
    """Draw one picture with the same bars: to draw takes a fifth of a run of a few rows."""
    monkeypatch.setattr(plots, "_drawn", _drawn_once)


@pytest.fixture
def instance(_each_picture_once) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@dataclass(frozen=True)
class Shop:
    """The source, the workflow's folder, and SyncFlow's database."""

    folder: Path
    database: Database
    store: StoreResource

    def load(self, text: str = partition_cases.WORKFLOW) -> LoadedWorkflow:
        path = self.folder / "shop.yaml"
        path.write_text(text, encoding="utf-8")
        loaded = load_file(path)
        assert isinstance(loaded, LoadedWorkflow), loaded.problems
        return loaded

    def count(self, table: str, where: str = "true") -> int:
        row = self.database.fetch_one(f"select count(*) as n from syncflow.{table} where {where}")
        return row["n"]


@pytest.fixture
def shop(database, tmp_path, monkeypatch) -> Shop:
    monkeypatch.setenv("SHOP_URL", f"sqlite:///{tmp_path}/shop.db")
    monkeypatch.setenv("SYNCFLOW_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SYNCFLOW_DATABASE_URL", database.url)
    folder = tmp_path / "workflows"
    folder.mkdir()
    for name, query in partition_cases.QUERIES.items():
        (folder / name).write_text(query, encoding="utf-8")
    partition_cases.fill(f"sqlite:///{tmp_path}/shop.db")
    return Shop(folder, database, StoreResource(database_url=plain_url(database.url)))
