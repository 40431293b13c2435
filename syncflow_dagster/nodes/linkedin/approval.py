"""What a person decides before anything is sent: the texts of a version and account, and the risk.

An approval holds for exactly what was shown: its hash is over every text and every address, and is
made again from what is stored in the transaction that approves it.
"""

from __future__ import annotations

import getpass
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from psycopg.types.json import Jsonb

from syncflow_dagster.nodes.linkedin.names import ledger_account
from syncflow_dagster.nodes.linkedin.sequence import compile_sequence
from syncflow_dagster.store import sql
from syncflow_dagster.workflows.models import LinkedInStepNode, UnipileConnection

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.ledger.decisions import By
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.loader import LoadedWorkflow
    from syncflow_dagster.workflows.models import LinkedInAccount

    Connection = psycopg.Connection[DictRow]

#: What is accepted for an account before anything is sent from it.
STATEMENT = (
    "LinkedIn's User Agreement (section 8.2) forbids automated invitations and messages, and tools "
    "that send them. LinkedIn may restrict or close this account for it, at any time and without a "
    "warning. The owner of the account knows this and wants it to act through this node all the "
    "same. Pauses, limits and working hours do not make it allowed: they are there for the people "
    "who are written to."
)
#: What of a text an approval is bound to.
_HASHED = ("step", "variant", "subject", "text")
#: Digits of a hash that are enough to name it.
SHORTEST = 8


class NotApproved(RuntimeError):
    """A preview cannot be decided about; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided.

    Attributes:
        approval_id: Number of the decision.
        node: Name of the node.
        account: The account, as the ledger knows it.
        batch_hash: Hash of what was decided about.
        leads: How many leads go on with it.
    """

    approval_id: int
    node: str
    account: str
    batch_hash: str
    leads: int


def batch_hash(digest: str, account: str, rows: Iterable[DictRow]) -> str:
    """Return the hash of what would be approved, 64 hex digits.

    Args:
        digest: The sequence's.
        account: The account, as the ledger knows it.
        rows: Leads with their texts, as the query `batch` gives them.
    """
    found = hashlib.sha256(json.dumps([digest, account]).encode())
    for row in rows:
        said = [[one[name] for name in _HASHED] for one in row["texts"]]
        line = [row["lead_id"], row["slug"], row["provider_id"], said]
        found.update(b"\n" + json.dumps(line, ensure_ascii=False).encode())
    return found.hexdigest()


def approval_of(conn: Connection, sequence_id: int, account: str) -> int | None:
    """Return the approval that holds for a version and account; None if there is none.

    A refusal ends what was approved before.
    """
    given = {"sequence_id": sequence_id, "account": account}
    row = conn.execute(sql.load("outreach_texts")["approval"], given).fetchone()
    return row["approval_id"] if row is not None and row["action"] == "approve" else None


def is_approved(conn: Connection, sequence_id: int, account: str) -> bool:
    """Tell whether the texts of a version and account are approved."""
    return approval_of(conn, sequence_id, account) is not None


def approve(database: Database, clock: Clock, loaded: LoadedWorkflow, name: str, by: By) -> Decided:
    """Approve what a preview showed: its leads go on.

    Args:
        database: A migrated database.
        clock: Its time.
        loaded: The workflow.
        name: The preview's hash, or its beginning.
        by: Who approves, and why.

    Raises:
        NotApproved: There is no such preview, or something has changed since.
    """
    with database.transaction() as conn:
        preview = _found(conn, loaded, name)
        node = _node_of(loaded, preview)
        digest = compile_sequence(node).digest
        given = {"sequence_id": preview["sequence_id"], "account": preview["account"]}
        queries = sql.load("outreach_texts")
        conn.execute(queries["lock_batch"], given)
        rows = conn.execute(queries["batch"], given).fetchall()
        if batch_hash(digest, preview["account"], rows) != preview["batch_hash"]:
            msg = (
                f"leads or texts of {node.name} and {preview['account']} have changed since this "
                f"preview: look at them again with syncflow outreach preview {preview['workflow']}"
            )
            raise NotApproved(msg)
        now = clock.now()
        approval = _decide(conn, preview, "approve", by, now)
        why = f"approved by {by.actor}"
        released = {"leads": [row["lead_id"] for row in rows], "approval_id": approval}
        conn.execute(queries["release"], {**released, "now": now, "reason": why})
    return _decided(preview, approval, len(rows))


def refuse(database: Database, clock: Clock, loaded: LoadedWorkflow, name: str, by: By) -> Decided:
    """Refuse what a preview showed: its leads stay where they are until the texts are others.

    Raises:
        NotApproved: There is no such preview.
    """
    with database.transaction() as conn:
        preview = _found(conn, loaded, name)
        approval = _decide(conn, preview, "refuse", by, clock.now())
    return _decided(preview, approval, 0)


def acknowledge(
    database: Database, clock: Clock, loaded: LoadedWorkflow, name: str, by: By
) -> list[str]:
    """Note that the risk of an account is accepted; nothing is sent from it before.

    Args:
        database: A migrated database.
        clock: Its time.
        loaded: The workflow.
        name: Name of the account in its nodes.
        by: Who accepts it, and why.

    Returns:
        The accounts, as the ledger knows them; several if nodes call different ones alike.

    Raises:
        NotApproved: No node of the workflow has such an account.
    """
    found = {
        ledger_account(connection, account): node.name
        for node, connection, account in accounts_of(loaded)
        if account.name == name
    }
    if not found:
        names = sorted({account.name for _, _, account in accounts_of(loaded)})
        msg = (
            f"workflow {loaded.workflow.workflow!r} has no LinkedIn account {name!r}; "
            f"it has: {', '.join(names) or 'none'}"
        )
        raise NotApproved(msg)
    queries, now = sql.load("outreach_texts"), clock.now()
    with database.transaction() as conn:
        for account, node in found.items():
            given = {"account": account, "actor": by.actor, "now": now, "statement": STATEMENT}
            conn.execute(queries["know_account"], given)
            conn.execute(queries["acknowledge"], given)
            noted = {
                **given,
                **_by(by),
                "action": "acknowledge",
                "workflow": loaded.workflow.workflow,
                "node": node,
                "details": Jsonb({"statement": STATEMENT}),
            }
            conn.execute(queries["note_intervention"], noted)
    return sorted(found)


def accounts_of(
    loaded: LoadedWorkflow,
) -> list[tuple[LinkedInStepNode, UnipileConnection, LinkedInAccount]]:
    """Return the LinkedIn accounts of a workflow, each with its node and connection."""
    found = []
    for node in loaded.workflow.nodes:
        if isinstance(node, LinkedInStepNode):
            connection = loaded.workflow.connections[node.connection]
            assert isinstance(connection, UnipileConnection)
            found += [(node, connection, account) for account in node.accounts]
    return found


def _found(conn: Connection, loaded: LoadedWorkflow, name: str) -> DictRow:
    workflow = loaded.workflow.workflow
    begins = name.strip().lower()
    if len(begins) < SHORTEST or not all(one in "0123456789abcdef" for one in begins):
        msg = f"{name!r} is no hash of a preview; give at least {SHORTEST} digits of it"
        raise NotApproved(msg)
    queries = sql.load("outreach_texts")
    given = {"workflow": workflow, "begins": f"{begins}%"}
    rows = conn.execute(queries["find_previews"], given).fetchall()
    if len(rows) != 1:
        what = "several previews begin" if rows else "no preview begins"
        msg = (
            f"{what} with {begins!r} in workflow {workflow!r}; "
            f"syncflow outreach preview {workflow} shows the ones of now"
        )
        raise NotApproved(msg)
    return rows[0]


def _node_of(loaded: LoadedWorkflow, preview: DictRow) -> LinkedInStepNode:
    nodes = [one for one in loaded.workflow.nodes if one.name == preview["node"]]
    node = nodes[0] if nodes else None
    if not isinstance(node, LinkedInStepNode):
        msg = f"the workflow file has no LinkedIn step {preview['node']!r} any more"
        raise NotApproved(msg)
    return node


def _decide(
    conn: Connection,
    preview: DictRow,
    action: Literal["approve", "refuse"],
    by: By,
    now: datetime,
) -> int:
    given = {**preview, **_by(by), "action": action, "now": now}
    row = conn.execute(sql.load("outreach_texts")["decide"], given).fetchone()
    assert row is not None
    return int(row["approval_id"])


def _by(by: By) -> dict[str, Any]:
    return {"actor": by.actor, "os_user": getpass.getuser(), "reason": by.reason}


def _decided(preview: DictRow, approval: int, leads: int) -> Decided:
    return Decided(approval, preview["node"], preview["account"], preview["batch_hash"], leads)
