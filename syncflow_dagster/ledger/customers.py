"""Customers take turns when effects are claimed, from one claim to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import psycopg
    from psycopg.rows import DictRow

#: No effect has a greater number.
_MOST = 2**63 - 1


def claim_in_turns(
    conn: psycopg.Connection[DictRow],
    statement: str,
    given: Mapping[str, object],
    limit: int,
    after: str | None,
) -> tuple[list[int], str | None]:
    """Claim up to `limit` effects.

    Args:
        conn: The transaction.
        statement: Claims those of the customers from one on.
        given: What else it wants to know.
        limit: How many at most.
        after: The customer who had the last turn; None: begin with the first.

    Returns:
        Their numbers, and the customer who has had the last turn by now.
    """
    ids: list[int] = []
    while len(ids) < limit:
        behind = {"after": after or "", "after_effect": 0 if after is None else _MOST}
        rows = conn.execute(statement, {**given, **behind, "limit": limit - len(ids)}).fetchall()
        ids += [row["effect_id"] for row in rows]
        if not rows and after is None:
            break
        # Behind the last customer the first one follows; what goes again is nobody's turn.
        last = _last(rows)
        after = last if last is not None or not rows else after
    return ids, after


def _last(rows: Sequence[DictRow]) -> str | None:
    """Return the last customer in the first round of a claim."""
    first = [row for row in rows if row["round"] == 1]
    return max(first, key=lambda row: row["place"])["customer"] if first else None
