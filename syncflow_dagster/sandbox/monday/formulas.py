"""Values of formula columns, which have limits of their own (page `rate-limits`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.sandbox.monday.errors import bad_argument, field_limit_error

if TYPE_CHECKING:
    from syncflow_dagster.sandbox.monday.context import Context

COLUMNS_PER_REQUEST = 5


def formula_text(context: Context, column_id: str) -> str:
    """`display_value` of a formula, which the sandbox does not work out.

    Raises:
        MondayError: It is the sixth formula column of the request, or the minute's values are
            used up.
    """
    failure = context.failing_fields.get("formula")
    if failure is not None:
        raise failure()
    context.formula_columns.add(column_id)
    if len(context.formula_columns) > COLUMNS_PER_REQUEST:
        # The limit is documented, its words are not.
        msg = f"A request can show at most {COLUMNS_PER_REQUEST} formula columns"
        raise bad_argument(msg)
    now, window = context.clock.limit_time(), context.limits.formulas
    if window.left(now) == 0:
        wait = context.clock.client_seconds(window.resets_in(now))
        raise field_limit_error("FIELD_MINUTE_RATE_LIMIT_EXCEEDED", wait)
    window.spend(1, now)
    return ""
