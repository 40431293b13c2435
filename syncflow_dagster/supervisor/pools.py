"""Limits of Dagster's pools, which its configuration file cannot name one by one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dagster import DagsterInstance

VARIABLE = "SYNCFLOW_POOL_LIMITS"


class PoolLimitError(ValueError):
    """``SYNCFLOW_POOL_LIMITS`` is not understood."""


def limits_from_environment(environment: Mapping[str, str] | None = None) -> dict[str, int]:
    """Read ``SYNCFLOW_POOL_LIMITS``, for example ``monday:main=2,unipile:ana=1``.

    Raises:
        PoolLimitError: A part is not ``pool=number`` with a number above zero.
    """
    text = (environment or os.environ).get(VARIABLE, "")
    limits: dict[str, int] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        pool, separator, number = part.rpartition("=")
        if not (separator and pool.strip() and number.strip().isdecimal() and int(number)):
            msg = f"{VARIABLE}: {part!r} is not pool=number, for example monday:main=2"
            raise PoolLimitError(msg)
        limits[pool.strip()] = int(number)
    return limits


def apply_limits(instance: DagsterInstance, limits: Mapping[str, int]) -> list[str]:
    """Set the limits that differ from the instance's.

    Limits set in the UI for other pools stay as they are.

    Returns:
        The pools that were changed.
    """
    storage = instance.event_log_storage
    present = {each.name: each.limit for each in storage.get_pool_limits() if not each.from_default}
    changed = [pool for pool, limit in limits.items() if present.get(pool) != limit]
    for pool in changed:
        storage.set_concurrency_slots(pool, limits[pool])
    return changed
