"""What a LinkedIn account is called in the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syncflow_dagster.workflows.models import LinkedInAccount, UnipileConnection


def ledger_account(connection: UnipileConnection, account: LinkedInAccount) -> str:
    """Return an account's name in the ledger; limits and Dagster's pool go by it."""
    return f"unipile:{connection.account}/{account.name}"
