"""Counting what is on a board: every active item, by the key it carries."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.backoff import full_jitter
from syncflow_dagster.core.outcomes import Retry, Unknown, outage_of
from syncflow_dagster.nodes.monday import costs
from syncflow_dagster.nodes.monday.classify import silence, whole_answer
from syncflow_dagster.nodes.monday.client import NoAnswer
from syncflow_dagster.nodes.monday.contract import BoardUnavailable, unseen
from syncflow_dagster.nodes.monday.headers import readings_of, told

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.ledger.budgets import Budgets
    from syncflow_dagster.nodes.monday.client import Answer, MondayClient

#: Items in one page (developer.monday.com, "items_page": 500 at most).
PAGE = 500
#: Pages read before a board counts as too large to be counted: 50,000 items.
MOST_PAGES = 100
_MOST_TRIES = 4

#: What is asked of an item for counting; `$columns` are the columns that are asked for.
_KEYS = "id column_values(ids: $columns) { id text }"


def _first(shown: str) -> str:
    return f"""query ($ids: [ID!], $columns: [String!], $limit: Int!) {{
  complexity {{ query after reset_in_x_seconds }}
  boards(ids: $ids) {{ items_page(limit: $limit) {{ cursor items {{ {shown} }} }} }}
}}"""


def _next(shown: str) -> str:
    return f"""query ($cursor: String!, $columns: [String!], $limit: Int!) {{
  complexity {{ query after reset_in_x_seconds }}
  next_items_page(cursor: $cursor, limit: $limit) {{ cursor items {{ {shown} }} }}
}}"""


@dataclass(slots=True)
class Census:
    """What is on a board.

    Attributes:
        keys: How many active items carry a key, by key; more than one is a duplicate.
        without_key: Active items that carry none: people's own.
        requests: Requests it took.
        complete: False if the board was too large to be read to its end.
    """

    keys: Counter[str] = field(default_factory=Counter)
    without_key: int = 0
    requests: int = 0
    complete: bool = True


class BoardReader:
    """Reads boards of one account page by page, within its budgets.

    Args:
        client: Where to ask.
        budgets: The account's budgets.
        clock: Waiting.
    """

    def __init__(self, client: MondayClient, budgets: Budgets, clock: Clock) -> None:
        self._client = client
        self._budgets = budgets
        self._clock = clock
        #: Requests made so far.
        self.requests = 0

    def count(self, board_id: str, key_column: str, *, most_pages: int = MOST_PAGES) -> Census:
        """Count a board's active items by the text in their key column.

        Args:
            board_id: The board, or the board its subitems live on.
            key_column: Id of the text column that carries the key.
            most_pages: Pages read at most.

        Raises:
            BoardUnavailable: monday did not answer after a few tries, or refused.
            AccountPaused: nothing may be sent on the account for a while.
        """
        census = Census()
        before = self.requests
        for page in self.pages(board_id, [key_column]):
            _add(census, page)
            census.requests = self.requests - before
            if page["cursor"] is not None and census.requests >= most_pages:
                census.complete = False
                break
        return census

    def pages(
        self,
        board_id: str,
        columns: Sequence[str],
        shown: str = _KEYS,
        limit: int | None = None,
        points: int = costs.READ,
    ) -> Iterator[Mapping[str, Any]]:
        """Read a board's active items, never holding more than a page of them.

        Args:
            board_id: The board, or the board its subitems live on.
            columns: Columns whose values are asked for, as `$columns` in `shown`.
            shown: What is asked of each item, in GraphQL.
            limit: Items of a page, at most 500.
            points: What a page costs at the dearest.

        Yields:
            `items_page` as monday answers it; its `cursor` is None at the end.

        Raises:
            BoardUnavailable: monday did not answer after a few tries, or refused, or the token's
                user cannot see the board.
            AccountPaused: nothing may be sent on the account for a while.
        """
        given = {"columns": list(columns), "limit": limit or PAGE}
        data = self._ask(_first(shown), {"ids": [board_id], **given}, points)
        boards = data.get("boards") or [None]
        if boards[0] is None:
            # Not to be seen is not to be empty.
            raise unseen(board_id)
        page = boards[0]["items_page"]
        yield page
        while page["cursor"] is not None:
            following = {"cursor": page["cursor"], **given}
            page = self._ask(_next(shown), following, points)["next_items_page"]
            yield page

    def _ask(self, document: str, variables: Mapping[str, Any], points: int) -> Mapping[str, Any]:
        for tries in range(1, _MOST_TRIES + 1):
            self.requests += 1
            answer = self._once(document, variables, points)
            if not isinstance(answer, BoardUnavailable):
                assert answer.data is not None
                return answer.data
            if tries == _MOST_TRIES or not isinstance(answer.outcome, Retry | Unknown):
                raise answer
            wait = full_jitter(tries, random.Random())  # noqa: S311 - jitter, not a secret
            if isinstance(answer.outcome, Retry):
                wait += answer.outcome.after_s or 0.0
            self._clock.sleep(wait)
        raise AssertionError("the last try returns or raises")

    def _once(
        self, document: str, variables: Mapping[str, Any], points: int
    ) -> Answer | BoardUnavailable:
        cost = costs.request(points)
        self._budgets.reserve(cost)
        answer = self._client.execute(document, variables)
        if isinstance(answer, NoAnswer):
            silent = silence(answer)
            self._budgets.settle(cost, {}, told(silent))
            self._budgets.heard(outage_of(silent))
            return BoardUnavailable(silent)
        said, outcome = readings_of(answer), whole_answer(answer)
        self._budgets.settle(cost, {}, said if outcome is None else [*said, *told(outcome, said)])
        self._budgets.heard(None if outcome is None else outage_of(outcome))
        if outcome is None and answer.errors:
            # Half an answer must not be counted as a whole board.
            outcome = Unknown(str(answer.errors[0].get("message")))
        return answer if outcome is None else BoardUnavailable(outcome)


def _add(census: Census, page: Mapping[str, Any]) -> None:
    for item in page["items"]:
        texts = [value["text"] for value in item["column_values"] if value["text"]]
        if texts:
            census.keys[texts[0]] += 1
        else:
            census.without_key += 1
