"""The world of a simulation: people and accounts of the sandbox, a workflow, an inbox."""

from __future__ import annotations

import tempfile
import threading
import time
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
import uvicorn

from syncflow_dagster.nodes.linkedin import receiver
from syncflow_dagster.sandbox.clock import Clock
from syncflow_dagster.sandbox.control import ControlClient
from syncflow_dagster.sandbox.server import SandboxServer
from syncflow_dagster.store.database import Database
from syncflow_dagster.store.migrate import migrate
from syncflow_dagster.testing.bench.databases import databases
from syncflow_dagster.testing.outreach.clock import SandboxClock
from syncflow_dagster.workflows.loader import LoadedWorkflow, load_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SERVICE = "unipile"
#: A Monday before Europe's and America's clocks change: what a simulation meets must not hang on
#: the hour or the day at which it is run.
BEGINNING = datetime(2026, 10, 19, tzinfo=UTC)
SECRET = "nobody needs to guess this one"  # noqa: S105 - of a made-up world
PRIVACY_KEY = "a key for nobody but made-up people"
_TENANT = "default"
#: Tier and time zone of the accounts, in turn.
_ACCOUNTS = (
    ("sales_navigator", "Europe/Berlin"),
    ("sales_navigator", "America/New_York"),
    ("recruiter", "Europe/London"),
    ("premium", "Europe/Rome"),
    ("sales_navigator", "Asia/Tehran"),
)
_UP_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True)
class OutreachWorld:
    """Where a simulation happens.

    Attributes:
        control: The sandbox.
        clock: Its time.
        database: SyncFlow's own.
        loaded: The workflow, with one LinkedIn step.
        environ: Variables a process of its own needs.
    """

    control: ControlClient
    clock: SandboxClock
    database: Database
    loaded: LoadedWorkflow
    environ: Mapping[str, str]

    def truth(self) -> dict[str, Any]:
        """Return what really happened to everybody."""
        return self.control.state(SERVICE)


@contextmanager
def outreach_world(
    people: int,
    accounts: int = 5,
    *,
    url: str | None = None,
    shares: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Iterator[OutreachWorld]:
    """Make a world, in which nothing has happened yet.

    Args:
        people: Members who are on the list.
        accounts: LinkedIn accounts that act.
        url: A PostgreSQL server in which databases may be created; None: an embedded one.
        shares: How people behave, other than usual; see the sandbox's `PeopleSeed`.
        settings: Settings of the fake service.
    """
    with ExitStack() as stack:
        server = stack.enter_context(databases(url))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="syncflow-outreach-")))
        clock = Clock(started_at=BEGINNING.timestamp())
        sandbox = stack.enter_context(SandboxServer(clock=clock))
        control = stack.enter_context(closing(ControlClient(sandbox.urls["control"])))
        names = [f"account{number}" for number in range(accounts)]
        control.seed(_seed(names, people, shares or {}), service=SERVICE)
        control.settings(SERVICE, **(settings or {}))
        environ = {**_environ(sandbox.urls, names), "SIMULATED_CONTROL": sandbox.urls["control"]}
        store = server.create("outreach")
        stack.callback(server.drop, store)
        database = stack.enter_context(Database(store))
        migrate(database)
        now = SandboxClock(control)
        stack.enter_context(open_inbox(database, now, environ))
        loaded = _workflow(folder, names, environ)
        environ |= {"SIMULATED_WORKFLOW": str(loaded.path), "SIMULATED_STORE": store}
        yield OutreachWorld(control, now, database, loaded, environ)


def _seed(names: Sequence[str], people: int, shares: Mapping[str, Any]) -> dict[str, Any]:
    accounts = [
        {"id": name, "name": name, "tier": _ACCOUNTS[number % len(_ACCOUNTS)][0]}
        for number, name in enumerate(names)
    ]
    return {"service": SERVICE, "accounts": accounts, "people": {"count": people, **shares}}


def _environ(urls: Mapping[str, Any], names: Sequence[str]) -> dict[str, str]:
    return {
        "UNIPILE_URL": urls[SERVICE],
        "UNIPILE_TOKEN": urls["tokens"][SERVICE]["key"],
        "UNIPILE_WEBHOOK_SECRET": SECRET,
        "SYNCFLOW_PRIVACY_KEY": PRIVACY_KEY,
        **{name.upper(): name for name in names},
    }


@contextmanager
def open_inbox(
    database: Database, clock: SandboxClock, environ: Mapping[str, str]
) -> Iterator[None]:
    """Serve the receiver of webhooks, and let the service tell it everything.

    Args:
        database: Where events are kept.
        clock: The sandbox's time.
        environ: Address, key and secret of the tenant.
    """
    secret = environ["UNIPILE_WEBHOOK_SECRET"]
    app = receiver.app(database, clock, {_TENANT: secret})
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="inbox", daemon=True)
    thread.start()
    deadline = time.monotonic() + _UP_WITHIN_S
    while not server.started:
        if time.monotonic() > deadline:
            msg = "the receiver of webhooks did not start"
            raise RuntimeError(msg)
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        _register(environ, f"http://127.0.0.1:{port}/unipile/{_TENANT}")
        yield
    finally:
        server.should_exit = True
        thread.join(_UP_WITHIN_S)


def _register(environ: Mapping[str, str], inbox: str) -> None:
    for source in ("messaging", "users", "account_status"):
        secret = {"key": receiver.HEADER, "value": environ["UNIPILE_WEBHOOK_SECRET"]}
        answer = requests.post(
            f"{environ['UNIPILE_URL']}/api/v1/webhooks",
            json={"request_url": inbox, "source": source, "headers": [secret]},
            headers={"X-API-KEY": environ["UNIPILE_TOKEN"]},
            timeout=10,
        )
        answer.raise_for_status()


def _workflow(folder: Path, names: Sequence[str], environ: Mapping[str, str]) -> LoadedWorkflow:
    accounts = "\n".join(
        f'      - {{name: {name}, id: "${{{name.upper()}}}", tier: {tier}, timezone: {zone}}}'
        for name, (tier, zone) in zip(names, _in_turn(names), strict=True)
    )
    path = folder / "outreach.yaml"
    path.write_text(_FILE.replace("ACCOUNTS", accounts), encoding="utf-8")
    (folder / "people.sql.j2").write_text("select 1 as address", encoding="utf-8")
    loaded = load_file(path, environ)
    if not isinstance(loaded, LoadedWorkflow):
        msg = f"the workflow of the simulation is wrong: {loaded}"
        raise TypeError(msg)
    return loaded


def _in_turn(names: Sequence[str]) -> list[tuple[str, str]]:
    return [_ACCOUNTS[number % len(_ACCOUNTS)] for number in range(len(names))]


_FILE = """
workflow: outreach
description: Simulated people
owner: operations
connections:
  book: {type: sql, url: "sqlite://"}
  unipile:
    type: unipile
    url: ${UNIPILE_URL}
    token: ${UNIPILE_TOKEN}
    webhook_secret: ${UNIPILE_WEBHOOK_SECRET}
    timeout_s: 2
nodes:
  - {type: pull, name: rows, description: Rows, connection: book, query: people.sql.j2}
  - type: delta
    name: people
    description: People
    source: rows
    entity: lead
    table: outreach_people
    key: [address]
    fields:
      - {name: address}
      - {name: first_name}
      - {name: last_name}
      - {name: company}
  - type: linkedin_step
    name: campaign
    description: Simulated people
    connection: unipile
    source: people
    dry_run: false
    lead: {linkedin: address, first_name: first_name, last_name: last_name, company: company}
    accounts:
ACCOUNTS
    lawful_basis:
      {basis: consent, reference: none, data_source: made up, recorded_on: 2026-01-01}
    sequence:
      - type: invite
        variants:
          - {name: plain, text: "Hello {{first_name|there}}, shall we connect?"}
          - {name: work, text: "Hello {{first_name|there}}, I like {{company|your work}}."}
      - type: condition
        test: connected
        within_days: 16
        then:
          - {type: wait, hours: 4}
          - {type: message, text: "Thank you for connecting, {{first_name|friend}}! How is it?"}
          - type: condition
            test: replied
            within_days: 4
            otherwise:
              - {type: message, text: "A last word, {{first_name|friend}}: I am here."}
        otherwise:
          - {type: withdraw}
"""
