"""Delta rows and their plans, between the database and the planner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.nodes.monday.plan import DeltaRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg.rows import DictRow

    from syncflow_dagster.nodes.monday.plan import RowPlan


def delta_row(table: str, names: Sequence[str], found: DictRow) -> DeltaRow:
    """Return a row of a delta table, whose record has the fields `names`, as planning sees it."""
    return DeltaRow(
        table=table,
        delta_id=found["delta_id"],
        record_uuid=found["record_uuid"],
        parent_uuid=found["parent_uuid"],
        generation=found["generation"],
        operation=found["operation"],
        # An INSERT brings everything and lists nothing.
        changed=frozenset(names if found["operation"] == "INSERT" else found["changed_columns"]),
        customer=found["customer"],
        label=found["business_key"],
        values={name: found[name] for name in names},
    )


def planned_state(plan: RowPlan) -> str:
    """Return the state of a delta row whose plan is written."""
    if plan.rejected:
        return "DEAD"
    return "SYNCED" if plan.settled else "PUSHING"
