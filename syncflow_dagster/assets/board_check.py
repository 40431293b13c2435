"""The check that reads the board and compares it, item by item, with what the ledger believes."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from syncflow_dagster.assets import names, tables
from syncflow_dagster.assets.hourly_check import COUNTED_AT, hourly_check, stands
from syncflow_dagster.assets.steps import OpenStep
from syncflow_dagster.ledger.budgets import Budgets
from syncflow_dagster.ledger.pauses import AccountPaused
from syncflow_dagster.nodes.monday.census import BoardReader, Census
from syncflow_dagster.nodes.monday.client import MondayClient
from syncflow_dagster.nodes.monday.contract import BoardUnavailable
from syncflow_dagster.nodes.monday.destination import MondayDestination
from syncflow_dagster.nodes.monday.keys import item_prefix
from syncflow_dagster.nodes.monday.plan import SUBITEMS
from syncflow_dagster.nodes.monday.push import Push
from syncflow_dagster.resources.observe import Observer
from syncflow_dagster.workflows.loader import LoadedWorkflow
from syncflow_dagster.workflows.models import MondayPushNode, Workflow

_NAME = "board_matches_ledger"
_DESCRIPTION = (
    "Reads the board and counts: every item and subitem the ledger knows is there once, and "
    "nothing carries a key the ledger does not know. Counting costs requests, so runs of the whole "
    "workflow count at most once an hour and show the last result in between; the push alone never "
    "counts. Run the check by hand to count now."
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The board against the ledger, by record key.

    Attributes:
        here: Items and subitems the ledger believes to be on the board.
        there: Items and subitems on the board that carry a key.
        missing: Keys that are not on the board.
        unknown: Keys the ledger does not know.
        double: Keys that are on the board more than once.
    """

    here: int
    there: int
    missing: list[str]
    unknown: list[str]
    double: list[str]

    @property
    def is_equal(self) -> bool:
        """Whether both agree."""
        return not (self.missing or self.unknown or self.double)


def compare(here: set[str], there: Mapping[str, int]) -> Comparison:
    """Compare the keys the ledger knows with the keys on the board, and how often each is."""
    return Comparison(
        here=len(here),
        there=sum(there.values()),
        missing=sorted(here - set(there)),
        unknown=sorted(set(there) - here),
        double=sorted(key for key, times in there.items() if times > 1),
    )


def check_key(workflow: Workflow, node: MondayPushNode) -> dg.AssetCheckKey:
    """Return the key of a push node's check; it belongs to the last creating pass."""
    creating = [number for number in names.passes(node) if number <= SUBITEMS]
    return dg.AssetCheckKey(names.pass_key(workflow, node, creating[-1]), _NAME)


def board_check(
    loaded: LoadedWorkflow, node: MondayPushNode, *, with_pool: bool = True
) -> dg.AssetChecksDefinition:
    """Return the check that counts the board of a push node, after its last creating pass."""
    key = check_key(loaded.workflow, node)

    def judge(opened: OpenStep) -> dg.AssetCheckResult:
        try:
            return _checked(opened, node)
        except (AccountPaused, BoardUnavailable) as error:
            return dg.AssetCheckResult(
                passed=False,
                severity=dg.AssetCheckSeverity.WARN,
                description=f"Not counted: {error}",
            )

    return hourly_check(
        loaded,
        node,
        dg.AssetCheckSpec(key.name, asset=key.asset_key, description=_DESCRIPTION, blocking=False),
        f"check_{node.name}_board",
        judge=judge,
        repeats=stands,
        with_pool=with_pool,
    )


def _checked(opened: OpenStep, node: MondayPushNode) -> dg.AssetCheckResult:
    workflow = opened.loaded.workflow
    with closing(Push(opened.database, opened.clock, workflow, node)) as push:
        subitem_board = push.prepare().board.subitem_board
    connection = names.monday_connection(workflow, node)
    destination = MondayDestination(connection, node.batch_size)
    budgets = Budgets(opened.database, opened.clock, destination.account, destination.budgets())
    with closing(MondayClient(connection)) as client:
        reader = BoardReader(client, budgets, opened.clock)
        boards = {"items": reader.count(node.board_id, node.items.key_column)}
        if node.subitems is not None and subitem_board is not None:
            boards["subitems"] = reader.count(subitem_board, node.subitems.key_column)
    prefix = item_prefix(node.board_id)
    keys = Observer(opened.database).live_keys(prefix)
    return _judged(boards, {key.removeprefix(prefix) for key in keys})


def _judged(boards: Mapping[str, Census], here: set[str]) -> dg.AssetCheckResult:
    metadata: dict[str, Any] = {
        COUNTED_AT: dg.MetadataValue.timestamp(datetime.now(UTC)),
        "requests": sum(one.requests for one in boards.values()),
        **{f"{name}_on_board": one.keys.total() for name, one in boards.items()},
        **{f"{name}_of_people": one.without_key for name, one in boards.items()},
    }
    if not all(one.complete for one in boards.values()):
        return dg.AssetCheckResult(
            passed=False,
            severity=dg.AssetCheckSeverity.WARN,
            description="Not counted: the board is too large to be read to its end.",
            metadata=metadata,
        )
    there: Counter[str] = sum((one.keys for one in boards.values()), Counter())
    found = compare(here, there)
    metadata |= {
        "in_ledger": found.here,
        "missing": len(found.missing),
        "unknown": len(found.unknown),
        "double": len(found.double),
    }
    samples: Iterator[dict[str, str]] = (
        {"record": key, "what": what}
        for what, listed in (
            ("missing on the board", found.missing),
            ("not in the ledger", found.unknown),
            ("more than once on the board", found.double),
        )
        for key in listed
    )
    if not found.is_equal:
        metadata["samples"] = tables.table(samples, ["record", "what"])
    return dg.AssetCheckResult(
        passed=found.is_equal,
        severity=dg.AssetCheckSeverity.ERROR,
        description=f"{found.there:,} on the board, {found.here:,} in the ledger",
        metadata=metadata,
    )
