"""The tenant's people, its webhooks and the truth about both, as parts of its runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from syncflow_dagster.sandbox.unipile.delivery import Courier
from syncflow_dagster.sandbox.unipile.people import PeopleSeed
from syncflow_dagster.sandbox.unipile.people_life import Life
from syncflow_dagster.sandbox.unipile.seed import UnipileSeedError
from syncflow_dagster.sandbox.unipile.settings import first_fault
from syncflow_dagster.sandbox.unipile.truth import Truth
from syncflow_dagster.sandbox.unipile.truth_accounts import AccountBooks

if TYPE_CHECKING:
    from syncflow_dagster.sandbox.unipile.runtime import Runtime


def bring_to_life(runtime: Runtime) -> AccountBooks:
    """Let a tenant's made-up people act, its webhooks be brought, and everything be judged.

    Args:
        runtime: The tenant's.

    Returns:
        The books, which want to hear of each request that was answered.
    """
    world, store = runtime.world, runtime.store
    books = AccountBooks(store)
    life = Life(store, world.later, world.clock)
    courier = Courier(world, store, lambda: runtime.settings)
    truth = Truth(store, life, courier, books)

    def begin(people: dict[str, Any], source: str) -> None:
        life.begin(_read(people, source))

    runtime.on_seed.append(begin)
    runtime.on_reset += [books.reset, life.reset, courier.reset]
    runtime.more_stats["webhooks"] = lambda: dict(courier.counts)
    runtime.truth.update(people=truth.people, accounts=books.describe, verdict=truth.verdict)
    return books


def _read(people: dict[str, Any], source: str) -> PeopleSeed:
    try:
        return PeopleSeed.model_validate(people)
    except ValidationError as error:
        msg = f"{source}: people: {first_fault(error)}"
        raise UnipileSeedError(msg) from error
