"""Everything of the fake monday that a reset renews, and the execution of documents on it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from graphql import execute_sync

from syncflow_dagster.sandbox.monday import people
from syncflow_dagster.sandbox.monday.accounts import Caller, Callers, Counts
from syncflow_dagster.sandbox.monday.board_writes import BoardWriter
from syncflow_dagster.sandbox.monday.complexity import Complexity, CostTable
from syncflow_dagster.sandbox.monday.context import Context
from syncflow_dagster.sandbox.monday.errors import Answer, MondayError, execution_body
from syncflow_dagster.sandbox.monday.ingest import Ingest
from syncflow_dagster.sandbox.monday.reads import Reader
from syncflow_dagster.sandbox.monday.schema import executable_schema
from syncflow_dagster.sandbox.monday.search import Cursors
from syncflow_dagster.sandbox.monday.seed import Seed, plant
from syncflow_dagster.sandbox.monday.settings import Settings
from syncflow_dagster.sandbox.monday.state import MondayState, View
from syncflow_dagster.sandbox.monday.webhooks import REGISTER, Webhooks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncflow_dagster.sandbox.monday.documents import Prepared
    from syncflow_dagster.sandbox.monday.faulty import DrawnFaults
    from syncflow_dagster.sandbox.monday.limits import Charge
    from syncflow_dagster.sandbox.monday.versions import ApiVersion
    from syncflow_dagster.sandbox.service import World

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Call:
    """A request whose sender and version are known."""

    request_id: str
    caller: Caller
    version: ApiVersion
    key: str | None
    base_url: str


@dataclass(frozen=True)
class Job:
    """A document that is about to run."""

    call: Call
    prepared: Prepared
    variables: Mapping[str, Any]
    drawn: DrawnFaults
    greeted: frozenset[str] = frozenset()


class Runtime:
    """State, limits, keys, cursors and counts."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.settings = Settings()
        self._seeds: list[tuple[Seed, str]] = []
        self.reset()

    def reset(self) -> None:
        """Return to the seeded state; settings stay."""
        clock = self.world.clock
        self.state = MondayState(clock, self.settings.first_weekday)
        for seed, source in self._seeds:
            plant(seed, self.state, source)
        self._keep_board_states()
        self.cursors = Cursors(clock)
        self.writer = BoardWriter(self.state, self.world.log)
        self.ingest = Ingest(self.world, self.writer, lambda: self.settings)
        self.webhooks = Webhooks(self.world, self.writer)
        self.state.watcher = self.webhooks
        self._renew()

    def _renew(self) -> None:
        self.callers = Callers(self.world.clock, self.settings)
        self.counts = Counts()
        self.ingest.events.clear()
        table = CostTable(mutation=self.settings.mutation_cost)
        self.prices = Complexity(executable_schema(), table)

    def configure(self, settings: Settings) -> None:
        """Use other settings; content stays.

        Limits, keys and counts start anew, unless only a person's doings change: the states of
        boards, and rights.

        Raises:
            ValueError: A board or item that shall have a state is not there, or a subitem cannot
                hang where it shall.
        """
        if missing := [one for one in settings.boards if one not in self.state.boards]:
            msg = f"boards: there is no board {missing[0]}"
            raise ValueError(msg)
        if missing := [one for one in settings.items if one not in self.state.items]:
            msg = f"items: there is no item {missing[0]}"
            raise ValueError(msg)
        self._do(settings)
        doings = {"boards", "items", "parents", "view_only"}
        goes_on = settings.model_dump(exclude=doings) == self.settings.model_dump(exclude=doings)
        self.settings = settings
        self._keep_board_states()
        self.state.first_weekday = settings.first_weekday
        if not goes_on:
            self._renew()

    def _do(self, settings: Settings) -> None:
        """Do what a person did since the last settings."""
        for item_id, parent_id in settings.parents.items():
            if self.settings.parents.get(item_id) != parent_id:
                people.hang(self.writer, item_id, parent_id)
        for item_id, state in settings.items.items():
            if self.settings.items.get(item_id) != state:
                people.stand(self.writer, item_id, state)

    def _keep_board_states(self) -> None:
        for board_id, state in self.settings.boards.items():
            board = self.state.boards.get(board_id)
            if board is not None:
                self.state.put_board(replace(board, state=state))

    def add_seed(self, seed: Seed, source: str) -> None:
        """Add a seed's content now and at every reset.

        Raises:
            SeedError: It cannot be added; nothing was.
        """
        # Planted on the side first: a seed that fails half-way must leave nothing.
        trial = MondayState(self.world.clock, self.settings.first_weekday)
        for earlier, name in self._seeds:
            plant(earlier, trial, name)
        plant(seed, trial, source)
        plant(seed, self.state, source)
        self._seeds.append((seed, source))

    async def greeted(self, job: Job, variables: Mapping[str, Any]) -> Job:
        """Let the receivers of webhooks that a document registers echo a challenge."""
        call = job.call
        if REGISTER not in job.prepared.root_names or self._access(call.caller) == "view":
            return job
        schema, kind = executable_schema(call.version.value), call.caller.limits.kind
        return replace(
            job, greeted=await self.webhooks.greet(job.prepared, variables, schema, kind)
        )

    def _access(self, caller: Caller) -> str:
        return "view" if caller.limits.kind.name in self.settings.view_only else "edit"

    def execute(self, job: Job, charge: Charge) -> Answer:
        """Run a document whose price has been charged, and settle the price."""
        call, drawn, clock = job.call, job.drawn, self.world.clock
        lag = drawn.lag_s()
        view = View(self.state, None if lag is None else clock.real() - lag)
        limits = call.caller.limits
        context = Context(
            clock=clock,
            reader=Reader(view, self.cursors),
            writer=self.writer,
            limits=limits,
            version=call.version,
            charge=charge,
            zone=ZoneInfo(self.settings.account_timezone),
            ingest=self.ingest,
            base_url=call.base_url,
            webhooks=self.webhooks,
            greeted=job.greeted,
            access=self._access(call.caller),
            failing=drawn.failing(),
            failing_fields=drawn.failing_fields(limits),
        )
        self.counts.ops.update(root.name for root in job.prepared.roots)
        self.counts.documents[" ".join(sorted(job.prepared.root_names))] += 1
        operation_name = job.prepared.operation.name
        result = execute_sync(
            executable_schema(call.version.value),
            job.prepared.document,
            context_value=context,
            variable_values=dict(job.variables),
            operation_name=operation_name.value if operation_name else None,
        )
        limits.correct(charge, self.prices.actual(job.prepared, result.data))
        errors = result.errors or []
        for error in errors:
            cause = error.original_error
            if cause is not None and not isinstance(cause, MondayError):
                _log.error("the sandbox failed on %s", error.path, exc_info=cause)
        body = execution_body(result.data, errors, call.version.value, call.request_id)
        return Answer(200, body)
