"""The secret key that hashes of persons are made with, from the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.core.consent.identifiers import PrivacyKey, WeakKeyError
from syncflow_dagster.store.sql import load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from syncflow_dagster.store.database import Database

#: Variable that holds the key. Whoever loses it loses the suppression list with it.
VARIABLE = "SYNCFLOW_PRIVACY_KEY"


class PrivacyKeyError(RuntimeError):
    """There is no usable key for hashes of persons; the text says what to do."""


def privacy_key(environ: Mapping[str, str], database: Database, now: datetime) -> PrivacyKey:
    """Return the key of the environment, which must be the one the database knows.

    The first key that is used becomes the database's: with another one nobody would be found in
    the suppression list, and everybody would be allowed.

    Args:
        environ: Usually `os.environ`.
        database: A migrated database.
        now: Database time.

    Raises:
        PrivacyKeyError: The variable is not set or too short, or it holds another key.
    """
    secret = environ.get(VARIABLE, "")
    if not secret:
        msg = (
            f"{VARIABLE} is not set: it is the secret that hashes of persons are made with. Set it "
            "to 32 characters or more that cannot be guessed (openssl rand -hex 32) and keep it"
        )
        raise PrivacyKeyError(msg)
    try:
        key = PrivacyKey(secret)
    except WeakKeyError as error:
        msg = f"{VARIABLE}: {error}"
        raise PrivacyKeyError(msg) from error
    statements = load("suppression")
    with database.transaction() as conn:
        conn.execute(statements["claim_key"], {"name": key.name, "now": now})
        row = conn.execute(statements["read_key"]).fetchone()
    assert row is not None
    if row["name"] != key.name:
        msg = (
            f"{VARIABLE} holds another key (its name is {key.name}) than the one that the hashes "
            f"in the database are made with since {row['since']:%Y-%m-%d} ({row['name']}): nobody "
            "would be found in the suppression list. Set the old key again"
        )
        raise PrivacyKeyError(msg)
    return key
