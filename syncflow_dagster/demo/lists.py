"""The list of people of the outreach example, as somebody would export it."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_FILE = "booth.csv"


def write_list(folder: Path, people: Mapping[str, Mapping[str, Any]]) -> int:
    """Write the people of the sandbox who are on a list; return how many there are.

    Args:
        folder: Where the workflow looks for lists.
        people: The sandbox's truth about people.
    """
    listed = [one["listed"] for one in people.values() if "listed" in one]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _FILE).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(listed[0]) if listed else ["linkedin_url"])
        writer.writeheader()
        writer.writerows(listed)
    return len(listed)
