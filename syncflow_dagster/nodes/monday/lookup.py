"""Whether an effect happened: creates by their key, changes by what the item shows."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.outcomes import Retry, Stop, outage_of
from syncflow_dagster.ledger.ports import Absent, Ambiguous, Found, Lookup, Unreadable
from syncflow_dagster.nodes.monday import columns, costs
from syncflow_dagster.nodes.monday.classify import silence, whole_answer
from syncflow_dagster.nodes.monday.client import NoAnswer
from syncflow_dagster.nodes.monday.headers import readings_of, told

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from syncflow_dagster.core.budget import Reading
    from syncflow_dagster.core.outcomes import Outcome
    from syncflow_dagster.ledger.ports import Effect, Finding
    from syncflow_dagster.nodes.monday.client import MondayClient

#: Ids one `items` query takes, and keys we search for at a time (developer.monday.com, "items").
MOST_IDS = 100

#: A question as a field of a document; `{n}` is its number, by which its variables are told apart.
_BY_KEY = (
    "($board_{n}: ID!, $column_{n}: String!, $shown_{n}: [String!], $keys_{n}: [String]!)",
    """items_page_by_column_values(
    board_id: $board_{n}, limit: 500, columns: [{column_id: $column_{n}, column_values: $keys_{n}}]
  ) { items { id column_values(ids: $shown_{n}) { id text } } }""",
)
_BY_ID = (
    "($ids_{n}: [ID!], $columns_{n}: [String!])",
    f"""items(ids: $ids_{{n}}, limit: 100) {{
    id name state group {{ id }}
    column_values(ids: $columns_{{n}}) {{ {columns.SELECTION} }}
  }}""",
)
_GROUPS = ("($boards_{n}: [ID!])", "boards(ids: $boards_{n}) { groups { id title archived } }")


@dataclass(frozen=True, slots=True)
class _Question:
    """One field of a document.

    Attributes:
        text: The variables it declares, and the field.
        variables: Its variables, without its number.
        wanted: The effects it asks about.
        find: Reads their findings off what the field shows; False if it lacks what was asked for.
    """

    text: tuple[str, str]
    variables: Mapping[str, Any]
    wanted: Sequence[Effect]
    find: Callable[[Any], bool]


class LookupRun:
    """One look-up of some effects: each request asks about a hundred of them, of whatever kind.

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
        for start in range(0, len(effects), MOST_IDS):
            self._ask(self._questions(effects[start : start + MOST_IDS]))
        spent = dict.fromkeys((costs.REQUEST_BUDGET, costs.DAILY_BUDGET), self._requests)
        return Lookup(self._findings, self._requests, self._readings, self._stopped, spent)

    def _questions(self, effects: Sequence[Effect]) -> list[_Question]:
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
        return [
            *(self._groups(board, wanted) for board, wanted in groups.items()),
            *(self._by_key(*place, wanted) for place, wanted in creates.items()),
            *([self._by_id(changes)] if changes else []),
        ]

    def _place(self, effect: Effect) -> tuple[str, str]:
        board = effect.payload["board_id"]
        if effect.payload["subitem"] and self._subitem_board is not None:
            board = self._subitem_board
        return board, effect.payload["key_column"]

    def _groups(self, board: str, wanted: list[Effect]) -> _Question:
        def find(boards: Any) -> bool:
            shown = (boards or [None])[0]
            if shown is None or shown["groups"] is None:
                return False
            groups = [one for one in shown["groups"] if one and not one["archived"]]
            for effect in wanted:
                title = effect.payload["title"]
                self._judge(effect, [one["id"] for one in groups if one["title"] == title])
            return True

        return _Question(_GROUPS, {"boards": [board]}, wanted, find)

    def _by_key(self, board: str, column: str, wanted: list[Effect]) -> _Question:
        def find(page: Any) -> bool:
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
        return _Question(_BY_KEY, variables, wanted, find)

    def _by_id(self, wanted: list[Effect]) -> _Question:
        def find(shown: Any) -> bool:
            if shown is None:
                return False
            items = {str(item["id"]): item for item in shown if item}
            for effect in wanted:
                item = items.get(str(effect.target_id))
                happened = item is not None and _shows(effect, item)
                self._findings[effect.effect_id] = Found() if happened else Absent()
            return True

        ids = sorted({str(effect.target_id) for effect in wanted})
        names = sorted({one for effect in wanted for one in effect.payload.get("shown", ())})
        return _Question(_BY_ID, {"ids": ids, "columns": names}, wanted, find)

    def _ask(self, questions: Sequence[_Question]) -> None:
        answer = self._client.execute(*_document(questions))
        self._requests += 1
        outcome = silence(answer) if isinstance(answer, NoAnswer) else whole_answer(answer)
        if outcome is not None:
            unreadable = self._unreadable(outcome)
            for question in questions:
                self._leave_open(question, unreadable)
            return
        assert not isinstance(answer, NoAnswer)
        assert answer.data is not None
        self._readings += readings_of(answer)
        wrong = {_place_of(error): str(error.get("message")) for error in answer.errors}
        for number, question in enumerate(questions):
            # Part of the answer is missing; what is missing must not be read as "not there".
            why = wrong.get(f"q{number}") or wrong.get(None)
            if why is not None:
                self._leave_open(question, Unreadable(why))
            elif not question.find(answer.data.get(f"q{number}")):
                self._leave_open(question, Unreadable("monday's answer lacks what was asked for"))

    def _leave_open(self, question: _Question, finding: Unreadable) -> None:
        self._findings.update({effect.effect_id: finding for effect in question.wanted})

    def _unreadable(self, outcome: Outcome) -> Unreadable:
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


def _document(questions: Sequence[_Question]) -> tuple[str, dict[str, Any]]:
    """Return one document for all questions, and its variables; question n is the field `q<n>`."""
    declared: list[str] = []
    fields: list[str] = []
    variables: dict[str, Any] = {}
    for number, question in enumerate(questions):
        names, field = (one.replace("{n}", str(number)) for one in question.text)
        declared.append(names.strip("()"))
        fields.append(f"  q{number}: {field}")
        variables |= {f"{name}_{number}": value for name, value in question.variables.items()}
    body = "\n".join(["  complexity { query after reset_in_x_seconds }", *fields])
    return f"query ({', '.join(declared)}) {{\n{body}\n}}", variables


def _place_of(error: Mapping[str, Any]) -> str | None:
    """Return the field an error is about; None if it does not say."""
    path = error.get("path")
    return str(path[0]) if path else None


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
