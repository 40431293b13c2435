"""What must hold after every fault, whatever it was; told by the sandbox wherever it can tell."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql as compose

from syncflow_dagster.nodes.delta.tables import delta_id
from syncflow_dagster.store import sql
from syncflow_dagster.testing.judge import Judgement, Shown, group_titles, judge, picture

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from syncflow_dagster.sandbox.control import ControlClient
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.testing.faults.results import FaultResult
    from syncflow_dagster.workflows.models import Workflow

#: Root fields of the requests that look up items: by their key, and by their id.
_LOOKUPS = frozenset({"items_page_by_column_values", "items"})


@dataclass(frozen=True, slots=True)
class Calm:
    """What an undisturbed run comes to; the disturbed ones are held against it.

    Attributes:
        shown: What the boards show in the end.
        stats: The sandbox's counts.
        seconds: How long it took.
    """

    shown: Mapping[str, Shown]
    stats: Mapping[str, Any]
    seconds: float

    @property
    def requests(self) -> int:
        """Requests it took."""
        return int(self.stats["requests"])


@dataclass(frozen=True, slots=True)
class Scene:
    """A sandbox and a store after a fault, once all is over.

    Attributes:
        control: The sandbox.
        database: The store.
        workflow: What was run.
        wiped: Columns whose values the fault itself took from the board.
    """

    control: ControlClient
    database: Database
    workflow: Workflow
    wiped: Sequence[str] = ()


def hold(result: FaultResult, scene: Scene, calm: Calm) -> Judgement:
    """Check what must hold after every fault, and note what does not.

    Returns:
        The log, counted.
    """
    log, state = scene.control.log(), scene.control.state()
    stats = scene.control.stats()["monday"]
    judged = judge(log, group_titles(state))
    result.duplicates = judged.duplicates
    result.unknown = _count(scene, sql.load("summary")["unknown_effects"])
    explained = _explained(scene)
    _hold_picture(result, scene, calm, state, explained)
    if judged.orphans:
        result.broken.append(f"I3: {judged.orphans} subitems were sent before their item was there")
    if stats["throttled"]:
        result.broken.append(f"I5: {stats['throttled']} requests met a limit: {_limits(stats)}")
    if stranded := _stranded(scene):
        result.broken.append(f"I7: {stranded} rows or effects wait for nothing that is named")
    asked = _lookups(stats) - _lookups(calm.stats)
    if asked > (allowed := _lookups_allowed(scene)):
        result.broken.append(f"{asked} look-ups, of which {allowed} may be")
    return judged


def _hold_picture(
    result: FaultResult,
    scene: Scene,
    calm: Calm,
    state: Mapping[str, Any],
    explained: Mapping[str, str],
) -> None:
    found = picture(state, scene.wiped)
    expected = {key: _without(shown, scene.wiped) for key, shown in calm.shown.items()}
    result.lost = len(expected.keys() - found.keys() - explained.keys())
    differing = [
        key
        for key in expected.keys() & found.keys() - explained.keys()
        if expected[key] != found[key]
    ]
    if differing:
        one = differing[0]
        text = f"{found[one]} in place of {expected[one]}"
        result.broken.append(f"I6: {len(differing)} records are not as the source's last: {text}")
    if surplus := len(found.keys() - expected.keys()):
        result.broken.append(f"I6: {surplus} records are on the board that should not be")


def _without(shown: Shown, columns: Iterable[str]) -> Shown:
    hidden = set(columns)
    values = {name: text for name, text in shown.values.items() if name not in hidden}
    return Shown(shown.name, shown.group, shown.parent, values)


def _limits(stats: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {count}" for name, count in stats["throttled_by_limit"].items())


def dead(scene: Scene) -> int:
    """Return how many records are refused for good, with a reason."""
    return Counter(_explained(scene).values())["DEAD"]


def _explained(scene: Scene) -> dict[str, str]:
    found: dict[str, str] = {}
    with scene.database.transaction() as conn:
        for node in scene.workflow.deltas:
            text: Any = sql.load("faults")["explained"]
            statement = compose.SQL(text).format(table=delta_id(node))
            found |= {row["key"]: row["state"] for row in conn.execute(statement)}
    return found


def _stranded(scene: Scene) -> int:
    queries = sql.load("faults")
    count = _first(scene, queries["stranded_effects"], "stranded")
    with scene.database.transaction() as conn:
        for node in scene.workflow.deltas:
            text: Any = queries["stranded_rows"]
            statement = compose.SQL(text).format(table=delta_id(node))
            row = conn.execute(statement, {"table": node.table}).fetchone()
            count += 0 if row is None else row["stranded"]
    return count


def _lookups(stats: Mapping[str, Any]) -> int:
    documents: Mapping[str, int] = stats["documents"]
    return sum(count for names, count in documents.items() if _LOOKUPS & set(names.split()))


def _lookups_allowed(scene: Scene) -> int:
    return _first(scene, sql.load("faults")["lookups_allowed"], "requests")


def _first(scene: Scene, statement: str, name: str) -> int:
    row = scene.database.fetch_one(statement)
    return 0 if row is None else int(row[name])


def _count(scene: Scene, statement: str) -> int:
    return len(scene.database.fetch_all(statement, {"workflow": scene.workflow.workflow}))
