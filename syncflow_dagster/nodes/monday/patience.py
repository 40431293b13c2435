"""Reading the board again and again while monday only asks us to wait."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from syncflow_dagster.core.backoff import full_jitter
from syncflow_dagster.core.outcomes import Retry, Unknown
from syncflow_dagster.nodes.monday import costs
from syncflow_dagster.nodes.monday.contract import BoardUnavailable, Contract, read_contract
from syncflow_dagster.nodes.monday.headers import readings

if TYPE_CHECKING:
    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.ledger.budgets import Budgets
    from syncflow_dagster.nodes.monday.client import MondayClient
    from syncflow_dagster.workflows.models import MondayPushNode


def read_patiently(
    client: MondayClient, node: MondayPushNode, budgets: Budgets, clock: Clock, patience_s: float
) -> Contract:
    """Read the board a node pushes to, within the account's budgets.

    Args:
        client: Where to ask.
        node: The push node.
        budgets: The account's budgets; they learn from the answers.
        clock: Waiting.
        patience_s: Seconds waited in all, budgets not counted.

    Raises:
        BoardUnavailable: monday did not answer for so long, or refused.
    """
    cost = {costs.COMPLEXITY_BUDGET: costs.READ, costs.REQUEST_BUDGET: 2}
    waited, tries = 0.0, 0
    while True:
        tries += 1
        budgets.reserve(cost)
        try:
            contract = read_contract(client, node)
        except BoardUnavailable as error:
            budgets.settle(cost, {}, [])
            if not isinstance(error.outcome, Retry | Unknown) or waited > patience_s:
                raise
            wait = _wait(error.outcome, tries)
            waited += wait
            clock.sleep(wait)
            continue
        for answer in contract.answers:
            budgets.settle(cost, {}, readings(answer.headers))
            cost = {}
        return contract


def _wait(outcome: Retry | Unknown, tries: int) -> float:
    wait = full_jitter(tries, random.Random())  # noqa: S311 - jitter, not a secret
    if isinstance(outcome, Retry):
        wait += outcome.after_s or 0.0
    return wait
