"""What a destination reads off answers, without a server."""

from __future__ import annotations

import uuid

import pytest

from syncflow_dagster.core.budget import Reading
from syncflow_dagster.core.outcomes import Reject, Retry, Stop, Unknown
from syncflow_dagster.ledger.ports import Effect
from syncflow_dagster.nodes.monday import costs
from syncflow_dagster.nodes.monday.client import Answer
from syncflow_dagster.nodes.monday.destination import MondayDestination
from syncflow_dagster.nodes.monday.lookup import LookupRun
from syncflow_dagster.workflows.models import MondayConnection

CONNECTION = MondayConnection(type="monday", token="t", settle_s=0)


class Canned:
    """A client that gives one answer to everything, and counts."""

    def __init__(self, answer):
        self.answer, self.asked = answer, 0

    def execute(self, *_, **__):
        self.asked += 1
        return self.answer


def effect(number, kind="create_item", **payload):
    payload = {
        "board_id": "1",
        "name": "n",
        "columns": {},
        "shown": {},
        "title": "t",
        "subitem": False,
        "record_uuid": str(number),
        "key_column": "key",
    } | payload
    return Effect(number, f"e{number}", kind, "o", "create" in kind, payload, "7", "topics")


def refusing(code, **extensions):
    """An answer in which the second of two mutations is refused."""
    error = {"message": "No", "path": ["e1"], "extensions": {"code": code, **extensions}}
    return Answer(200, {"e0": {"id": "5"}, "e1": None}, [error], {})


@pytest.mark.parametrize(
    ("answer", "reading"),
    [
        (
            refusing("DAILY_LIMIT_EXCEEDED", retry_in_seconds=3_599),
            Reading("dailyCalls", remaining=0, resets_in_s=3_599),
        ),
        (refusing("maxConcurrencyExceeded"), Reading("concurrency", remaining=0)),
        # A limit without a name may be that of a field: the other requests are not held up.
        (refusing("FIELD_LIMIT_EXCEEDED", retry_in_seconds=15), None),
        (refusing("ColumnValueException"), None),
    ],
)
def test_the_limit_that_one_mutation_meets_is_known_to_all(answer, reading):
    destination = MondayDestination(CONNECTION, 20, client=Canned(answer))
    reply = destination.send([effect(0), effect(1)], uuid.uuid4())
    assert list(reply.readings) == ([] if reading is None else [reading])
    assert isinstance(reply.outcomes[1], Retry | Stop | Reject)


@pytest.mark.parametrize(("count", "kind"), [(1, Stop), (2, Unknown)])
def test_of_several_mutations_a_full_board_may_have_taken_some(count, kind):
    """An answer of the old style tells one error, whatever went well before it."""
    error = {"message": "full", "extensions": {"code": "ItemsLimitationException"}}
    answer = Answer(200, None, [error], {}, old_style=True)
    destination = MondayDestination(CONNECTION, 20, client=Canned(answer))
    reply = destination.send([effect(number) for number in range(count)], uuid.uuid4())
    assert all(isinstance(one, kind) for one in reply.outcomes.values())


def test_a_look_up_sets_aside_as_many_requests_as_it_takes():
    effects = [
        effect(0, "create_group"),
        effect(1, "create_group", board_id="2"),
        *(effect(number) for number in range(2, 103)),
        effect(103, "create_subitem", subitem=True),
        effect(104, key_column="other"),
        *(effect(number, "change_item") for number in range(200, 300)),
    ]
    client = Canned(Answer(200, {}, [], {}))
    LookupRun(client, "9").run(effects)
    cost = MondayDestination(CONNECTION, 20, client=client).lookup_cost(effects)
    assert cost[costs.REQUEST_BUDGET] == cost[costs.DAILY_BUDGET] == client.asked == 3
