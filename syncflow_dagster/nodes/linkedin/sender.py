"""The first name of an account's owner, for texts that have it in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.nodes.linkedin.sequence import compile_sequence
from syncflow_dagster.nodes.linkedin.texts import SENDER, Texts
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from syncflow_dagster.nodes.linkedin.port import LinkedIn
    from syncflow_dagster.nodes.linkedin.run import OutreachRun


def learn_sender(run: OutreachRun, account: str, api: LinkedIn) -> None:
    """Ask for the owner's name once, if a text of the node needs it; texts wait for it until then.

    Args:
        run: The node's run.
        account: The account, as the ledger knows it.
        api: Asks LinkedIn through it.

    Raises:
        ReadFailed: It could not be read.
    """
    if not Texts(compile_sequence(run.node), run.node.lead.columns).uses(SENDER):
        return
    queries = sql.load("outreach_texts")
    row = run.database.fetch_one(queries["senders"], {"accounts": [account]})
    if row is None or row["first_name"] is None:
        given = {"account": account, "first_name": api.me().first_name}
        run.database.execute(queries["keep_sender"], given)
