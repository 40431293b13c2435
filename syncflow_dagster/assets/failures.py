"""Errors of the rooms below as failures a person can act on."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import psycopg

from syncflow_dagster.ledger.effects import EffectConflict
from syncflow_dagster.ledger.pauses import AccountPaused
from syncflow_dagster.ledger.worker import Busy
from syncflow_dagster.nodes.compliance.key import PrivacyKeyError
from syncflow_dagster.nodes.delta.errors import (
    DeleteGuard,
    DeltaBusy,
    DeltaDefinitionError,
    DeltaError,
    MissingColumn,
)
from syncflow_dagster.nodes.linkedin.accounts import AccountRenamed
from syncflow_dagster.nodes.linkedin.interventions import NotPossible
from syncflow_dagster.nodes.linkedin.steering import WronglyAsked
from syncflow_dagster.nodes.monday.adoption.gate import AdoptionUnfinished
from syncflow_dagster.nodes.monday.contract import BoardUnavailable, ContractBroken
from syncflow_dagster.nodes.pull.ports import QueryFailedError, SourceUnavailableError
from syncflow_dagster.nodes.pull.template import QueryTemplateError
from syncflow_dagster.nodes.salesforce.errors import LoginFailed, QuotaReached
from syncflow_dagster.nodes.tag.approval import NotApprovable
from syncflow_dagster.nodes.tag.policy import PolicyUnusable
from syncflow_dagster.nodes.tag.preflight import TagUnfit
from syncflow_dagster.store.migrate import MigrationError
from syncflow_dagster.workflows.environment import UnresolvedError

_TOO_MANY_GONE = (
    "Nothing was written. Did the source really lose so many records? If so, raise `max_share` "
    "under `deletes` in the workflow file for one run; if not, mend the source."
)
_QUOTA = (
    "Nothing to do: requests come back over 24 hours, and a later run goes on from here. If it "
    "comes too often, raise the ceiling the text names, or read less."
)
_UNFIT = (
    "Bring the org, the policy and the workflow file together; `syncflow preflight` names the "
    "places. Nothing was written; the rows wait."
)
_REFUSED = (
    "SyncFlow's own database refuses what it was given; what was under way was taken back. Run "
    "again; if it stays, mend the record or the table the text names."
)
#: What a person does about each kind of error; the first that fits counts.
WHAT_TO_DO: tuple[tuple[type[Exception], str], ...] = (
    (Busy, "Another run is at it. Let it finish; nothing is lost, the rows wait."),
    (DeltaBusy, "Another run builds this delta. Let it finish, then run again."),
    (MissingColumn, "Bring the query and the fields of the workflow file together."),
    (DeleteGuard, _TOO_MANY_GONE),
    (DeltaDefinitionError, "Change the workflow file as the text says."),
    (DeltaError, "Nothing of this batch was written. Mend the source as the text says."),
    (QueryTemplateError, "Mend the query template where the text says."),
    (LoginFailed, "Mend the connection as the text says. Nothing was read or written."),
    (QueryFailedError, "Mend the query; the source's own words are in the text."),
    (QuotaReached, _QUOTA),
    (
        SourceUnavailableError,
        "Look after the source. The next scheduled run tries again; nothing was written.",
    ),
    (TagUnfit, _UNFIT),
    (PolicyUnusable, "Mend the policy file where the text says. Nothing was written; rows wait."),
    (PrivacyKeyError, "Set the key as the text says. Nothing was written; the rows wait."),
    (NotApprovable, "The plan was not applied. Approve another one, or as somebody else."),
    (ContractBroken, "Change the board, or the workflow file. Nothing was written; rows wait."),
    (
        BoardUnavailable,
        "Look after the connection to monday.com and its token. The rows wait for the next run.",
    ),
    (AdoptionUnfinished, "Finish the adoption, or give it up, as the text says; the rows wait."),
    (
        AccountPaused,
        "Nothing to do: the limit or the outage the text names ends by itself. The rows wait.",
    ),
    (AccountRenamed, "Call the account as the text says. Nobody was enrolled."),
    (WronglyAsked, "Nothing was done. Launch the job again as the text says."),
    (
        NotPossible,
        "The text says why it was refused; `syncflow outreach leads` shows how leads stand.",
    ),
    (EffectConflict, "Run the push again; look at the effect table if it stays."),
    (UnresolvedError, "Set the environment variable the text names, or change the connection."),
    (MigrationError, "Bring SyncFlow's database and code to the same version."),
    (
        psycopg.OperationalError,
        "Look after SyncFlow's own database. What was under way is looked up by the next run.",
    ),
    (psycopg.Error, _REFUSED),
    (OSError, "Look after the folder or the disk the text names; `SYNCFLOW_HOME` says where."),
)


@contextmanager
def readable_failures() -> Iterator[None]:
    """Turn the errors we know into Dagster failures that say what to do.

    A step that failed is not tried again at once: the schedule or the dispatcher starts the next
    run.
    """
    try:
        yield
    except tuple(kind for kind, _ in WHAT_TO_DO) as error:
        advice = next(text for kind, text in WHAT_TO_DO if isinstance(error, kind))
        raise failure(_words(error), advice, kind=type(error).__name__) from error


def _words(error: Exception) -> str:
    """Return what an error says; of the database's, not the row that it happened with."""
    told = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return told or str(error)


def failure(what: str, advice: str, *, kind: str) -> dg.Failure:
    """Return a failure with its reason and what to do about it.

    Args:
        what: What happened.
        advice: What a person does about it.
        kind: Short name of the kind of failure.
    """
    return dg.Failure(
        description=f"{what}\n\n{advice}",
        metadata={
            "what_happened": dg.MetadataValue.text(what),
            "what_to_do": dg.MetadataValue.text(advice),
            "kind": dg.MetadataValue.text(kind),
        },
        allow_retries=False,
    )
