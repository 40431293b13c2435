"""monday's RateLimit headers.

Source: developer.monday.com, page "rate limits": `RateLimit-Policy` names each limit with its
quota `q` and window `w`; `RateLimit` names what remains `r` and the seconds `t` to the reset. Any
part may be missing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from syncflow_dagster.core.budget import Reading
from syncflow_dagster.core.outcomes import Retry, Stop
from syncflow_dagster.nodes.monday.costs import (
    CALLS_PER_DAY,
    COMPLEXITY_BUDGET,
    CONCURRENCY_BUDGET,
    DAILY_BUDGET,
    REQUEST_BUDGET,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncflow_dagster.core.outcomes import Outcome
    from syncflow_dagster.nodes.monday.client import Answer

_Entries = dict[str, dict[str, int]]
_ENTRY = re.compile(r'"(?P<name>[^"]+)"(?P<fields>(?:\s*;\s*\w+=[^;,]*)*)')
_OURS = (COMPLEXITY_BUDGET, REQUEST_BUDGET)


def readings(headers: Mapping[str, str]) -> list[Reading]:
    """Return what an answer's headers say about the budgets we keep.

    Args:
        headers: Header fields of the answer; names in any case if the mapping allows it.
    """
    policy = _entries(headers.get("RateLimit-Policy", ""))
    state = _entries(headers.get("RateLimit", ""))
    return [*_windows(policy, state), *_of_plan(policy)]


def readings_of(answer: Answer) -> list[Reading]:
    """Return what an answer says about the budgets we keep, in its headers or its body.

    Where the headers leave complexity out, the document's own field `complexity` tells it.
    """
    found = readings(answer.headers)
    told = (answer.data or {}).get("complexity") or {}
    if any(one.name == COMPLEXITY_BUDGET for one in found) or not isinstance(told, Mapping):
        return found
    after, reset_s = told.get("after"), told.get("reset_in_x_seconds")
    if isinstance(after, int) and isinstance(reset_s, int):
        found.append(Reading(COMPLEXITY_BUDGET, remaining=after, resets_in_s=reset_s))
    return found


def spent_of(answer: Answer) -> dict[str, int]:
    """Return what a request really cost, by budget; nothing where it was refused as a whole."""
    if answer.data is None:
        return {}
    told = answer.data.get("complexity")
    points = told.get("query") if isinstance(told, Mapping) else None
    known = {COMPLEXITY_BUDGET: points} if isinstance(points, int) else {}
    return {REQUEST_BUDGET: 1, DAILY_BUDGET: 1, **known}


def told(outcome: Outcome, said: Sequence[Reading] = ()) -> list[Reading]:
    """Read off a refusal which budget is used up, where the headers have not said so.

    Args:
        outcome: What the refusal means.
        said: What its headers said.
    """
    if not isinstance(outcome, Retry | Stop) or not (outcome.limit or outcome.after_s):
        return []
    # A limit without a name is taken for the one that is met first.
    name = outcome.limit or COMPLEXITY_BUDGET
    known = next((one for one in said if one.name == name), Reading(name))
    if known.remaining is not None or (outcome.limit is None and said):
        return []
    return [replace(known, remaining=0, resets_in_s=outcome.after_s)]


def _windows(policy: _Entries, state: _Entries) -> list[Reading]:
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


def _of_plan(policy: _Entries) -> list[Reading]:
    """Return what follows from the account's plan, which its quotas give away."""
    at_a_time = policy.get(CONCURRENCY_BUDGET, {}).get("q")
    a_day = CALLS_PER_DAY.get(policy.get(REQUEST_BUDGET, {}).get("q", 0))
    told = {CONCURRENCY_BUDGET: at_a_time, DAILY_BUDGET: a_day}
    return [Reading(name, allowed=allowed) for name, allowed in told.items() if allowed]


def _entries(text: str) -> _Entries:
    found: dict[str, dict[str, int]] = {}
    for entry in _ENTRY.finditer(text):
        parts = (part.strip() for part in entry["fields"].split(";") if "=" in part)
        pairs = (part.split("=", 1) for part in parts)
        found[entry["name"]] = {key: int(value) for key, value in pairs if value.isdecimal()}
    return found
