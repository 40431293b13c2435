"""What Salesforce's errors mean, as one table: for reads, and for writes.

Sources: REST API Developer Guide, page "Status Codes and Error Responses"; SOAP API Developer
Guide, page "Core Data Types Used in API Calls" (`StatusCode`, `ExceptionCode`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from syncflow_dagster.core.outcomes import Outcome, Reject, Retry, Stop, Unknown
from syncflow_dagster.nodes.pull.ports import QueryFailedError, SourceError, SourceUnavailableError
from syncflow_dagster.nodes.salesforce.answers import Answer, ApiError, NoAnswer
from syncflow_dagster.nodes.salesforce.quota import DAILY

if TYPE_CHECKING:
    from collections.abc import Mapping


class CursorExpired(SourceUnavailableError):
    """The cursor of a query is gone: its rows have to be read from the beginning, or a key on."""


class JobGone(SourceUnavailableError):
    """A bulk job or its results are gone, or somebody ended it: a new job has to be made."""


class QuotaReached(SourceUnavailableError):
    """The org's requests, or the share of them that may be used, are used up for now."""


class LoginFailed(QueryFailedError):
    """The org refuses the login or the session, until somebody acts."""


class NotThere(QueryFailedError):
    """There is no such resource, or the user cannot see it."""


class BulkUnsupported(QueryFailedError):
    """Bulk API 2.0 cannot run this query; REST may."""


class Read(Enum):
    """What to do about an error of a read."""

    AGAIN = "again"  # soon, a few times
    LATER = "later"  # in another run
    QUOTA = "quota"  # once requests have come back
    CURSOR = "cursor"  # with a new cursor
    JOB = "job"  # with a new bulk job
    MISSING = "missing"  # what was asked for is not there
    LOGIN = "login"  # once somebody has seen to the login
    FAIL = "fail"  # once somebody has acted
    BY_REST = "by rest"  # not by Bulk API 2.0


class Write(Enum):
    """What an error of a write says about its record, or about all records of the request."""

    RETRY = "retry"  # not applied; may be applied on another try
    BUSY = "busy"  # not applied; a limit, so no try of the record's
    QUOTA = "quota"  # not applied; nothing more until requests have come back
    STOP = "stop"  # not applied; nothing more until somebody acts
    REJECT = "reject"  # never
    GONE = "gone"  # never: the record is not there
    UNKNOWN = "unknown"  # may have been applied


@dataclass(frozen=True, slots=True)
class Meaning:
    """One line of the table.

    Attributes:
        read: For reads.
        write: For writes.
        advice: What to do, for people.
    """

    read: Read
    write: Write
    advice: str = ""


_BUSY = Meaning(Read.AGAIN, Write.BUSY)
_QUOTA = Meaning(Read.QUOTA, Write.QUOTA, "the org's requests of 24 hours come back bit by bit")
_ROW = Meaning(Read.FAIL, Write.REJECT)
_BROKEN = Meaning(Read.AGAIN, Write.UNKNOWN)
_CURSOR = Meaning(Read.CURSOR, Write.REJECT)
_RIGHTS = Meaning(
    Read.FAIL, Write.STOP, "give the connection's user the right, or remove what needs it"
)
_LOGIN = Meaning(
    Read.LOGIN, Write.STOP, "the org refuses the session; check the connection's login"
)
_GONE = Meaning(Read.FAIL, Write.GONE)


def _stop(advice: str) -> Meaning:
    return Meaning(Read.FAIL, Write.STOP, advice)


#: By `errorCode` or `statusCode`.
CODES: Mapping[str, Meaning] = {
    "INVALID_SESSION_ID": _LOGIN,
    "INVALID_AUTH_HEADER": _LOGIN,
    "REQUEST_LIMIT_EXCEEDED": _QUOTA,
    "LIMIT_EXCEEDED": _QUOTA,
    "CONCURRENT_REQUESTS": _BUSY,
    "SERVER_UNAVAILABLE": _BROKEN,
    "UNKNOWN_EXCEPTION": _BROKEN,
    "API_CURRENTLY_DISABLED": _stop("the org's API is switched off for now"),
    "API_DISABLED_FOR_ORG": _stop("the org's edition or the user's profile has no API access"),
    "FUNCTIONALITY_NOT_ENABLED": _RIGHTS,
    "FUNCTIONALITY_TEMPORARILY_UNAVAILABLE": Meaning(Read.LATER, Write.RETRY),
    "INSUFFICIENT_ACCESS": _RIGHTS,
    "OPERATION_TOO_LARGE": _RIGHTS,
    "STORAGE_LIMIT_EXCEEDED": _stop("the org's data storage is full"),
    "UNSUPPORTED_API_VERSION": _stop("pin an API version the org knows (api_version)"),
    "INVALID_TYPE": _stop("the object is not there, or the user cannot see it"),
    "INVALID_FIELD": _stop("the field is not there, or the user cannot see it"),
    "INVALID_QUERY_FILTER_OPERATOR": _stop("the operator does not fit the field's type"),
    "MALFORMED_QUERY": _ROW,
    "EXCEEDED_ID_LIMIT": Meaning(Read.FAIL, Write.REJECT, "ask for a shorter time"),
    "INVALID_REPLICATION_DATE": Meaning(Read.FAIL, Write.REJECT, "the org keeps 30 days of it"),
    "QUERY_TOO_COMPLICATED": Meaning(Read.FAIL, Write.REJECT, "read fewer formula fields"),
    "QUERY_TIMEOUT": Meaning(
        Read.LATER, Write.RETRY, "read by Bulk API 2.0, or filter by an indexed field"
    ),
    "INVALID_QUERY_LOCATOR": _CURSOR,
    "QUERY_LOCATOR_EXPIRED": _CURSOR,
    "INVALID_LOCATOR": Meaning(Read.JOB, Write.REJECT),
    "INVALIDENTITY": Meaning(Read.BY_REST, Write.STOP),
    "API_ERROR": Meaning(Read.BY_REST, Write.STOP),
    "NOT_FOUND": Meaning(Read.MISSING, Write.GONE, "there is no such resource or record"),
    "ENTITY_IS_DELETED": _GONE,
    "INVALID_CROSS_REFERENCE_KEY": _GONE,
    "DELETED_RECORD": _GONE,
    "UNABLE_TO_LOCK_ROW": Meaning(Read.AGAIN, Write.RETRY, "somebody else has the record locked"),
    "ALL_OR_NONE_OPERATION_ROLLED_BACK": Meaning(Read.FAIL, Write.RETRY),
    "PROCESSING_HALTED": Meaning(Read.FAIL, Write.RETRY),
    "TXN_SECURITY_METERING_ERROR": _BUSY,
    "JSON_PARSER_ERROR": _ROW,
}
#: By HTTP status, where the code is not in the table.
STATUSES: Mapping[int, Meaning] = {
    300: Meaning(Read.FAIL, Write.REJECT, "several records have this external id"),
    400: _ROW,
    401: _LOGIN,
    403: _RIGHTS,
    404: _stop("check the connection's url and api_version"),
    405: _stop("this resource does not take the method"),
    406: _BROKEN,
    408: _BROKEN,
    409: _stop("results are read with the API version of their job"),
    410: _stop("pin an API version the org knows (api_version)"),
    414: Meaning(Read.FAIL, Write.REJECT, "the request's address is too long"),
    415: _ROW,
    420: _BROKEN,
    429: _BUSY,
    431: Meaning(Read.FAIL, Write.REJECT, "the query is too long for REST: use fewer values"),
}
#: Parts of the text of a bulk job that failed, as the code they stand for.
JOB_TEXTS: tuple[tuple[str, str], ...] = (
    ("compound data not supported", "INVALIDENTITY"),
    ("not supported by the bulk api", "INVALIDENTITY"),
    ("does not support query", "INVALIDENTITY"),
    ("implementation restriction", "INVALIDENTITY"),
    ("invalidentity", "INVALIDENTITY"),
    ("limit_exceeded", "LIMIT_EXCEEDED"),
    ("query_timeout", "QUERY_TIMEOUT"),
    ("too long", "QUERY_TIMEOUT"),
    ("retried more than", "QUERY_TIMEOUT"),
    ("server_unavailable", "SERVER_UNAVAILABLE"),
)
#: Codes that mean something else about one record than about a whole request.
_OF_ONE_RECORD: Mapping[str, Meaning] = {
    "INVALID_FIELD": _ROW,
    "LIMIT_EXCEEDED": Meaning(Read.FAIL, Write.RETRY, "a trigger of the org met one of its limits"),
}
_ADDRESS = _stop("check that the connection's url is the org's My Domain address")
_SERVER_ERROR = 500
_REDIRECT = range(301, 400)
#: Until requests of a rolling day have come back in numbers.
_QUOTA_WAIT_S = 3600.0
#: Long-running requests, of which an org may have 25, end within so many seconds as a rule.
_BUSY_WAIT_S = 5.0


def meaning(answer: Answer) -> Meaning:
    """Return what an answer that is not `ok` means for the request as a whole."""
    error = answer.error
    code = _code(error)
    if code in CODES and answer.status < _SERVER_ERROR:
        return CODES[code]
    if answer.status in _REDIRECT or (answer.text and answer.status < 300):
        return _ADDRESS if answer.status in _REDIRECT else _BROKEN
    return STATUSES.get(answer.status, _BROKEN if answer.status >= _SERVER_ERROR else _ROW)


def wait_of(answer: Answer) -> float | None:
    """Return the seconds the org asks us to wait, if it does."""
    try:
        seconds = float(answer.headers.get("Retry-After", ""))
    except ValueError:
        return None
    return seconds if 0 <= seconds < math.inf else None


def whole_answer(answer: Answer | NoAnswer) -> Outcome | None:
    """Return what became of all records of a write alike; None if each has its own result."""
    if isinstance(answer, NoAnswer):
        return silence(answer)
    if answer.ok:
        return None
    found = meaning(answer)
    outage = found is _BROKEN
    if found.write is Write.GONE:
        return Stop(str(answer.error))  # the resource, not one record
    return _outcome(found, answer.error, wait_of(answer), outage=outage)


def silence(answer: NoAnswer) -> Outcome:
    """Return what it means for a write that nothing came back."""
    if answer.refused:
        return Stop(answer.reason)
    if answer.ceiling:
        return Stop(answer.reason, DAILY, _QUOTA_WAIT_S)
    if answer.sent:
        return Unknown(answer.reason, outage=True)
    return Retry(f"Salesforce cannot be reached: {answer.reason}", counts=False, outage=True)


def row_outcome(error: ApiError) -> Outcome:
    """Return what one record's own error means; the others of its request stand on their own.

    A record with an error was not applied.
    """
    code = _code(error)
    if code == "INVALID_CROSS_REFERENCE_KEY" and error.fields:
        return Reject(str(error))  # a lookup of the record leads nowhere
    if code in _OF_ONE_RECORD:
        return _outcome(_OF_ONE_RECORD[code], error, None)
    if "UNABLE_TO_LOCK_ROW" in error.message:
        code = "UNABLE_TO_LOCK_ROW"  # told by a trigger of the org
    found = CODES.get(code, _ROW)
    if found.write is Write.UNKNOWN:
        return Retry(str(error))
    return _outcome(found, error, None)


def read_error(answer: Answer | NoAnswer, what: str) -> SourceError:
    """Return the error of a read that cannot be had.

    Args:
        answer: What came back.
        what: What was asked, for the text: `the query of Contact`.
    """
    if isinstance(answer, NoAnswer):
        return silent_read(answer, what)
    found = meaning(answer)
    advice = f"; {found.advice}" if found.advice else ""
    text = f"{what}: Salesforce answers {answer.status}: {answer.error}{advice}"
    return _KINDS[found.read](text)


def silent_read(answer: NoAnswer, what: str) -> SourceError:
    """Return the error of a read that nothing came back to."""
    text = f"{what}: {answer.reason}"
    if answer.ceiling:
        return QuotaReached(text)
    return LoginFailed(text) if answer.refused else SourceUnavailableError(text)


def may_pass(answer: Answer | NoAnswer) -> bool:
    """Tell whether the same read may succeed within seconds."""
    if isinstance(answer, NoAnswer):
        return not (answer.refused or answer.ceiling)
    return meaning(answer).read is Read.AGAIN


def job_error(message: str, what: str) -> SourceError:
    """Return the error of a bulk query that the org has ended.

    Args:
        message: What the job says of it.
        what: What it was to read.
    """
    lower = message.lower()
    code = next((code for part, code in JOB_TEXTS if part in lower), "")
    found = CODES.get(code, _ROW)
    advice = f"; {found.advice}" if found.advice else ""
    return _KINDS[found.read](f"{what}: the bulk job failed: {message or 'no reason'}{advice}")


_KINDS: Mapping[Read, type[SourceError]] = {
    Read.AGAIN: SourceUnavailableError,
    Read.LATER: SourceUnavailableError,
    Read.QUOTA: QuotaReached,
    Read.CURSOR: CursorExpired,
    Read.JOB: JobGone,
    Read.MISSING: NotThere,
    Read.LOGIN: LoginFailed,
    Read.FAIL: QueryFailedError,
    Read.BY_REST: BulkUnsupported,
}


def _code(error: ApiError) -> str:
    """Return an error's code; one of our own for requests at a time, which end by themselves."""
    if error.code == "REQUEST_LIMIT_EXCEEDED" and "concurrent" in error.message.lower():
        return "CONCURRENT_REQUESTS"
    return error.code


def _outcome(
    found: Meaning, error: ApiError, after_s: float | None, *, outage: bool = False
) -> Outcome:
    text = f"{error}; {found.advice}" if found.advice else str(error)
    match found.write:
        case Write.RETRY:
            return Retry(text, after_s)
        case Write.BUSY:
            return Retry(text, after_s or _BUSY_WAIT_S, counts=False)
        case Write.QUOTA:
            return Stop(text, DAILY, after_s or _QUOTA_WAIT_S)
        case Write.STOP:
            return Stop(text)
        case Write.REJECT | Write.GONE:
            return Reject(text, gone=found.write is Write.GONE)
        case Write.UNKNOWN:
            return Unknown(text, after_s, outage=outage)
