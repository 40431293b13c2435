"""Whether an effect happened: creates by their key, changes by what the item shows."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.outcomes import Retry, Stop, outage_of
from syncflow_dagster.ledger.ports import Absent, Ambiguous, Found, Lookup, Unreadable
from syncflow_dagster.nodes.monday import columns, costs
from syncflow_dagster.nodes.monday.classify import silence, whole_answer
from syncflow_dagster.nodes.monday.client import NoAnswer
from syncflow_dagster.nodes.monday.headers import readings_of, told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from syncflow_dagster.core.budget import Reading
    from syncflow_dagster.ledger.ports import Effect, Finding
    from syncflow_dagster.nodes.monday.client import Answer, MondayClient

#: Ids one `items` query takes, and keys we search for at a time (developer.monday.com, "items").
MOST_IDS = 100

_BY_KEY = """query ($board: ID!, $column: String!, $shown: [String!], $keys: [String]!) {
  complexity { query after reset_in_x_seconds }
  items_page_by_column_values(
    board_id: $board, limit: 500, columns: [{column_id: $column, column_values: $keys}]
  ) { items { id column_values(ids: $shown) { id text } } }
}"""
_BY_ID = f"""query ($ids: [ID!], $columns: [String!]) {{
  complexity {{ query after reset_in_x_seconds }}
  items(ids: $ids, limit: 100) {{
    id name state group {{ id }}
    column_values(ids: $columns) {{ {columns.SELECTION} }}
  }}
}}"""
_GROUPS = """query ($ids: [ID!]) {
  complexity { query after reset_in_x_seconds }
  boards(ids: $ids) { groups { id title archived } }
}"""


class LookupRun:
    """One look-up of some effects, in as few requests as it takes.

    Args:
        client: Where to ask.
        subitem_board: Board the subitems live on, where it is known.
    """

    def __init__(self, client: MondayClient, subitem_board: str | None) -> None:
        self._client = client
        self._subitem_board = subitem_board
        self._findings: dict[int, Finding] = {}
        self._readings: list[Reading] = []
        self._requests = 0
        self._stopped: str | None = None

    def run(self, effects: Sequence[Effect]) -> Lookup:
        """Return a finding for each effect."""
        creates: dict[tuple[str, str], list[Effect]] = defaultdict(list)
        groups: dict[str, list[Effect]] = defaultdict(list)
        changes: list[Effect] = []
        for effect in effects:
            if effect.kind == "create_group":
                groups[effect.payload["board_id"]].append(effect)
            elif effect.creates:
                creates[self._place(effect)].append(effect)
            else:
                changes.append(effect)
        for board, wanted in groups.items():
            self._groups(board, wanted)
        for (board, column), wanted in creates.items():
            for chunk in _chunks(wanted):
                self._by_key(board, column, chunk)
        for chunk in _chunks(changes):
            self._by_id(chunk)
        spent = dict.fromkeys((costs.REQUEST_BUDGET, costs.DAILY_BUDGET), self._requests)
        return Lookup(self._findings, self._requests, self._readings, self._stopped, spent)

    def _place(self, effect: Effect) -> tuple[str, str]:
        board = effect.payload["board_id"]
        if effect.payload["subitem"] and self._subitem_board is not None:
            board = self._subitem_board
        return board, effect.payload["key_column"]

    def _groups(self, board: str, wanted: list[Effect]) -> None:
        def find(data: Mapping[str, Any]) -> bool:
            shown = (data.get("boards") or [None])[0]
            if shown is None or shown["groups"] is None:
                return False
            groups = [one for one in shown["groups"] if one and not one["archived"]]
            for effect in wanted:
                title = effect.payload["title"]
                self._judge(effect, [one["id"] for one in groups if one["title"] == title])
            return True

        self._ask(_GROUPS, {"ids": [board]}, wanted, find)

    def _by_key(self, board: str, column: str, wanted: list[Effect]) -> None:
        def find(data: Mapping[str, Any]) -> bool:
            page = data.get("items_page_by_column_values")
            if page is None:
                return False
            ids: dict[str, list[str]] = defaultdict(list)
            for item in page["items"]:
                for value in item["column_values"]:
                    ids[value["text"]].append(item["id"])
            for effect in wanted:
                self._judge(effect, ids.get(effect.payload["record_uuid"], []))
            return True

        keys = [effect.payload["record_uuid"] for effect in wanted]
        variables = {"board": board, "column": column, "shown": [column], "keys": keys}
        self._ask(_BY_KEY, variables, wanted, find)

    def _by_id(self, wanted: list[Effect]) -> None:
        def find(data: Mapping[str, Any]) -> bool:
            if data.get("items") is None:
                return False
            items = {str(item["id"]): item for item in data["items"] if item}
            for effect in wanted:
                item = items.get(str(effect.target_id))
                happened = item is not None and _shows(effect, item)
                self._findings[effect.effect_id] = Found() if happened else Absent()
            return True

        ids = sorted({str(effect.target_id) for effect in wanted})
        shown = sorted({one for effect in wanted for one in effect.payload.get("shown", ())})
        self._ask(_BY_ID, {"ids": ids, "columns": shown}, wanted, find)

    def _ask(
        self,
        document: str,
        variables: Mapping[str, Any],
        wanted: Iterable[Effect],
        find: Callable[[Mapping[str, Any]], bool],
    ) -> None:
        answer = self._client.execute(document, variables)
        self._requests += 1
        unreadable = self._unreadable(answer)
        if unreadable is None:
            assert not isinstance(answer, NoAnswer)
            assert answer.data is not None
            self._readings += readings_of(answer)
            if find(answer.data):
                return
            unreadable = Unreadable("monday's answer lacks what was asked for")
        self._findings.update({effect.effect_id: unreadable for effect in wanted})

    def _unreadable(self, answer: Answer | NoAnswer) -> Unreadable | None:
        outcome = silence(answer) if isinstance(answer, NoAnswer) else whole_answer(answer)
        if outcome is None and not isinstance(answer, NoAnswer) and answer.errors:
            # Part of the answer is missing; what is missing must not be read as "not there".
            return Unreadable(str(answer.errors[0].get("message")))
        if outcome is None:
            return None
        if isinstance(outcome, Stop) and outcome.limit is None:
            self._stopped = outcome.reason
        self._readings += told(outcome)
        after_s = outcome.after_s if isinstance(outcome, Retry) else None
        reason = str(getattr(outcome, "reason", outcome))
        return Unreadable(reason, after_s, outage=outage_of(outcome) is not None)

    def _judge(self, effect: Effect, ids: list[str]) -> None:
        if not ids:
            self._findings[effect.effect_id] = Absent()
        elif len(ids) == 1 or (effect.kind == "create_group" and not effect.doubted):
            self._findings[effect.effect_id] = Found(str(ids[0]))
        else:
            listed = ", ".join(str(one) for one in ids)
            reason = f"several objects carry this key: {listed}; keep one, then mark it as found"
            self._findings[effect.effect_id] = Ambiguous(reason)


def _shows(effect: Effect, item: Mapping[str, Any]) -> bool:
    if effect.kind.startswith("archive"):
        return bool(item["state"] != "active")
    if effect.kind == "move_item":
        return bool(item["group"] and item["group"]["id"] == effect.parent_id)
    found: dict[str, columns.Shown] = {
        given["id"]: columns.read(given) for given in item["column_values"]
    }
    found["name"] = item["name"]
    return all(found.get(column) == shown for column, shown in effect.payload["shown"].items())


def _chunks(effects: list[Effect]) -> list[list[Effect]]:
    return [effects[start : start + MOST_IDS] for start in range(0, len(effects), MOST_IDS)]
