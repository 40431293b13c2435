"""monday's RateLimit headers.

Source: developer.monday.com, page "rate limits": `RateLimit-Policy` names each limit with its
quota `q` and window `w`; `RateLimit` names what remains `r` and the seconds `t` to the reset. Any
part may be missing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from syncflow_dagster.core.budget import Reading
from syncflow_dagster.nodes.monday.costs import COMPLEXITY_BUDGET, REQUEST_BUDGET

if TYPE_CHECKING:
    from collections.abc import Mapping

_ENTRY = re.compile(r'"(?P<name>[^"]+)"(?P<fields>(?:\s*;\s*\w+=[^;,]*)*)')
_OURS = (COMPLEXITY_BUDGET, REQUEST_BUDGET)


def readings(headers: Mapping[str, str]) -> list[Reading]:
    """Return what an answer's headers say about the budgets we keep.

    Args:
        headers: Header fields of the answer; names in any case if the mapping allows it.
    """
    policy = _entries(headers.get("RateLimit-Policy", ""))
    state = _entries(headers.get("RateLimit", ""))
    return [
        Reading(
            name=name,
            allowed=policy.get(name, {}).get("q"),
            window_s=policy.get(name, {}).get("w"),
            remaining=state.get(name, {}).get("r"),
            resets_in_s=state.get(name, {}).get("t"),
        )
        for name in _OURS
        if name in policy or name in state
    ]


def _entries(text: str) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for entry in _ENTRY.finditer(text):
        parts = (part.strip() for part in entry["fields"].split(";") if "=" in part)
        pairs = (part.split("=", 1) for part in parts)
        found[entry["name"]] = {key: int(value) for key, value in pairs if value.isdecimal()}
    return found
