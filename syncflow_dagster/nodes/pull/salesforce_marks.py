"""Where a read of an org goes on, as a text that outlives the process."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from syncflow_dagster.nodes.pull.salesforce_window import Window
from syncflow_dagster.nodes.rows import PositionLost

if TYPE_CHECKING:
    from syncflow_dagster.nodes import rows

_ID = re.compile(r"[A-Za-z0-9]{15,18}")


@dataclass(frozen=True, slots=True)
class Place:
    """Behind a page.

    Attributes:
        queries: A hash of the queries that are read; with others, the place means nothing.
        api: The API that reads them.
        window: See :class:`Window`; it stays that of the read's beginning.
        part: Number of the query that is being read, from 0.
        last_id: REST: Id of the last record read.
        jobs: Bulk: ids of the jobs made, the last of them that of the query being read.
        page: Bulk: path of the last page read.
        rows: Bulk: records of that job that were read.
    """

    queries: str
    api: Literal["rest", "bulk"]
    window: Window
    part: int = 0
    last_id: str = ""
    jobs: tuple[str, ...] = ()
    page: str = ""
    rows: int = 0

    def to_text(self) -> str:
        """Return it as JSON."""
        return json.dumps(asdict(self), default=datetime.isoformat, separators=(",", ":"))


def place_of(mark: rows.Mark) -> Place:
    """Read what `Place.to_text` wrote.

    Raises:
        PositionLost: It is something else.
    """
    try:
        given: dict[str, Any] = json.loads(str(mark))
        instants = {
            name: None if value is None else datetime.fromisoformat(value)
            for name, value in given.pop("window").items()
        }
        found = Place(**{**given, "window": Window(**instants), "jobs": tuple(given["jobs"])})
    except (ValueError, TypeError, KeyError, AttributeError):
        msg = f"{mark!r} is no place in a read of Salesforce"
        raise PositionLost(msg) from None
    if found.last_id and not _ID.fullmatch(found.last_id):
        msg = f"{found.last_id!r} is no id of a record"
        raise PositionLost(msg)
    return found
