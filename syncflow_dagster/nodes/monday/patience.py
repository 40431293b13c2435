"""Reading the board again and again while monday only asks us to wait."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from syncflow_dagster.core import leaving
from syncflow_dagster.core.backoff import full_jitter
from syncflow_dagster.core.outcomes import Retry, Stop, Unknown, outage_of
from syncflow_dagster.ledger.pauses import AccountPaused
from syncflow_dagster.nodes.monday import costs
from syncflow_dagster.nodes.monday.contract import BoardUnavailable, Contract, read_contract
from syncflow_dagster.nodes.monday.headers import readings_of, told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncflow_dagster.core.backoff import Random
    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.core.leaving import Leave
    from syncflow_dagster.ledger.budgets import Budgets
    from syncflow_dagster.nodes.monday.client import MondayClient
    from syncflow_dagster.workflows.models import MondayPushNode


def read_patiently(
    client: MondayClient,
    node: MondayPushNode,
    budgets: Budgets,
    clock: Clock,
    patience_s: float,
    chance: Random | None = None,
    leave: Leave | None = None,
) -> Contract:
    """Read the board a node pushes to, within the account's budgets.

    Args:
        client: Where to ask.
        node: The push node.
        budgets: The account's budgets; they learn from the answers.
        clock: Waiting.
        patience_s: Seconds waited in all, budgets not counted.
        chance: Where jitter is drawn from.
        leave: Asked while it waits whether it must stop there.

    Raises:
        BoardUnavailable: monday did not answer for so long, or refused.
        AccountPaused: nothing may be sent on the account for longer than that.
        Left: It must not go on.
    """
    chance = chance or random.Random()  # noqa: S311 - jitter, not a secret
    waited, tries = 0.0, 0
    while True:
        tries += 1
        try:
            return _read(client, node, budgets)
        except AccountPaused as paused:
            wait = max(0.05, (paused.pause.until - clock.now()).total_seconds())
            if waited + wait > patience_s:
                raise
        except BoardUnavailable as error:
            if isinstance(error.outcome, Stop) and error.outcome.limit is not None:
                # The budget knows by now: it says until when the account has to wait.
                continue
            if not isinstance(error.outcome, Retry | Unknown) or waited > patience_s:
                raise
            wait = full_jitter(tries, chance) + (error.outcome.after_s or 0.0)
        waited += wait
        leaving.wait(clock, wait, leave)


def _read(client: MondayClient, node: MondayPushNode, budgets: Budgets) -> Contract:
    cost: Mapping[str, int] = costs.request(costs.READ, requests=2)
    budgets.reserve(cost)
    try:
        contract = read_contract(client, node)
    except BoardUnavailable as error:
        budgets.settle(cost, {}, told(error.outcome))
        budgets.heard(outage_of(error.outcome))
        raise
    for answer in contract.answers:
        budgets.settle(cost, {}, readings_of(answer))
        cost = {}
    budgets.heard(None)
    return contract
