"""What monday's errors mean for the effect at hand, as one table.

Sources: developer.monday.com pages "error handling" and "rate limits"; spellings differ between
API versions, so codes are compared without case and separators.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.outcomes import Outcome, Reject, Retry, Stop, Unknown
from syncflow_dagster.nodes.monday.costs import (
    COMPLEXITY_BUDGET,
    CONCURRENCY_BUDGET,
    DAILY_BUDGET,
    REQUEST_BUDGET,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncflow_dagster.nodes.monday.client import Answer, NoAnswer

#: A limit was reached; monday says that such a request was not processed.
LIMITS = frozenset(
    {
        "complexityexception",
        "complexitybudgetexhausted",
        "minuteratelimitexceeded",
        "minutelimitrateexceeded",
        "maxconcurrencyexceeded",
        "concurrencylimitexceeded",
        "ratelimitexceeded",
        "ipratelimitexceeded",
        "fieldlimitexceeded",
        "fieldminuteratelimitexceeded",
        "toomanyrequests",
        "apitemporarilyblocked",
        "resourcelocked",
        # Recorded by older public clients.
        "ratelimitedexception",
        "mutationcallsexceeded",
    }
)
#: The budget that is used up, where a limit's code names one.
BUDGETS = {
    "complexityexception": COMPLEXITY_BUDGET,
    "complexitybudgetexhausted": COMPLEXITY_BUDGET,
    "minuteratelimitexceeded": REQUEST_BUDGET,
    "minutelimitrateexceeded": REQUEST_BUDGET,
    "maxconcurrencyexceeded": CONCURRENCY_BUDGET,
    "concurrencylimitexceeded": CONCURRENCY_BUDGET,
    "dailylimitexceeded": DAILY_BUDGET,
}
#: Codes that are about the whole request wherever they stand: monday looks at these first.
WHOLE_REQUEST = frozenset(
    {
        *BUDGETS,
        "ratelimitexceeded",
        "ipratelimitexceeded",
        "ratelimitedexception",
        "apitemporarilyblocked",
        "notauthenticated",
        "invalidversionexception",
    }
)
#: Texts that stand alone where other answers have a code, as the code they stand for.
TEXTS = {
    "complexitybudgetexhausted": "complexitybudgetexhausted",
    "minuteratelimitexceeded": "minuteratelimitexceeded",
    "minutelimitrateexceeded": "minutelimitrateexceeded",
    "ratelimitexceeded": "ratelimitexceeded",
    "toomanyconcurrentrequests": "maxconcurrencyexceeded",
    "concurrencylimitexceeded": "concurrencylimitexceeded",
    "dailylimitexceeded": "dailylimitexceeded",
    "notauthenticated": "notauthenticated",
    "resourceiscurrentlylockedpleasetryagainlater": "resourcelocked",
}
#: monday is still at work on an earlier request with the same idempotency key.
CONFLICT = "idempotencyconflict"
#: Nothing more can be done on this account or board until somebody acts.
STOPS = {
    "dailylimitexceeded": "the account's daily calls are used up; they come back at midnight UTC",
    "notauthenticated": "monday refuses the token; check the connection's token",
    "userunauthorizedexception": "the token's user may not do this on the board",
    "useraccessdenied": "the token's user has no access",
    "missingrequiredpermissions": "the token lacks a permission",
    "unauthorizedfieldortype": "the token lacks a scope",
    "invalidboardidexception": "the board does not exist, or the token's user cannot see it",
    "itemslimitationexception": "the board is full",
    "invalidversionexception": "monday does not know the pinned API version",
}
#: The record itself cannot be written as it is.
REJECTS = frozenset(
    {
        "columnvalueexception",
        "itemnametoolongexception",
        "invalidcolumnidexception",
        "invaliditemidexception",
        "invalidgroupidexception",
        "invaliduseridexception",
        "invalidargumentexception",
        "invalidcolumntypeexception",
        "resourcenotfoundexception",
        "datavalidationserror",
        "deletelastgroupexception",
        "correctedvalueexception",
        "recordinvalidexception",
        # The last part of an `error_reason`, which newer services give in place of a code.
        "missingcolumn",
    }
)
#: The item is not there, or not active.
GONE = frozenset({"resourcenotfoundexception", "invaliditemidexception"})
#: The document was refused before anything of it ran.
NEVER_RAN = frozenset(
    {
        "graphqlvalidationfailed",
        "graphqlparsefailed",
        "undefinedfield",
        "argumentliteralsincompatible",
        "missingrequiredarguments",
        "argumentnotaccepted",
        "jsonparseexception",
        "badrequest",
        "requestmaxcomplexityexceeded",
    }
)
#: A list has to be read from its beginning: its cursor lives sixty minutes from the first page.
EXPIRED = frozenset({"cursorexception", "cursorexpirederror"})
#: Beginnings of graphql-js' texts for such documents, which monday sends without a code.
NEVER_RAN_TEXTS = (
    "Variable $",
    "Cannot query field",
    "Unknown argument",
    "Unknown type",
    "Field ",
    "Argument ",
    "Syntax Error",
    "Parse error",
)
_SEPARATORS = re.compile(r"[^a-z0-9]")
_LOCKED = 423
_SERVER_ERROR = 500
_TOO_MANY = 429
_BAD_REQUEST = 400
_NOT_AUTHENTICATED = 401
_UNAUTHORIZED = frozenset({_NOT_AUTHENTICATED, 403})
_CONFLICT = 409
_WAITS = frozenset({_TOO_MANY, _LOCKED})
#: Header of an answer that monday kept and gives again.
REPLAYED = "Idempotency-Replayed"


def code_of(error: Mapping[str, Any]) -> str:
    """Return an error's code without case and separators; empty if it has none.

    Newer services behind monday's gateway give an `error_reason` in place of a code, some errors
    only the code of the column's own check, and the documentation names some by their text alone.
    """
    extensions = error.get("extensions") or {}
    code = extensions.get("code") or str(extensions.get("error_reason") or "").rpartition(".")[2]
    if not code and _first_of(extensions.get("error_data")).get("column_validation_error_code"):
        code = "ColumnValueException"
    if not code:
        return TEXTS.get(_plain(error.get("message") or ""), "")
    return _plain(code)


def _plain(text: object) -> str:
    return _SEPARATORS.sub("", str(text).lower())


def _first_of(told: object) -> Mapping[str, Any]:
    """Read what an error tells of its column, of which a board's own rules tell a list."""
    first = told[0] if isinstance(told, list) and told else told
    return first if isinstance(first, dict) else {}


def wait_of(error: Mapping[str, Any], headers: Mapping[str, str]) -> float | None:
    """Return the seconds monday asks us to wait, if it does."""
    extensions = error.get("extensions") or {}
    in_text = re.search(r"reset in (\d+) seconds", str(error.get("message", "")))
    milliseconds = _seconds(extensions.get("retryAfterMs"))
    asked = (
        _seconds(extensions.get("retry_in_seconds")),
        None if milliseconds is None else milliseconds / 1000,
        _seconds(headers.get("Retry-After")),
        _seconds(in_text.group(1)) if in_text else None,
    )
    return next((seconds for seconds in asked if seconds is not None), None)


def _seconds(given: object) -> float | None:
    """Read a wait; a date, a negative number or any other text is none."""
    try:
        seconds = float(str(given))
    except ValueError:
        return None
    return seconds if 0 <= seconds < math.inf else None


def alias_error(error: Mapping[str, Any], answer: Answer) -> Outcome:
    """Return what one mutation's own error means; the others of its request stand on their own."""
    code = code_of(error)
    text = describe(error)
    if code in STOPS:
        return _stop(code, STOPS[code], text, wait_of(error, answer.headers))
    if code in LIMITS or (error.get("extensions") or {}).get("status_code") in {_TOO_MANY, _LOCKED}:
        return _limit(code, text, wait_of(error, answer.headers))
    if code in REJECTS:
        return Reject(text)
    # Not in the table: monday failed inside, and may have applied the mutation before it did.
    return Unknown(text)


def whole_answer(answer: Answer, *, mutations: int = 1) -> Outcome | None:
    """Return what an answer means for all its effects alike; None if each has its own.

    Args:
        answer: What came back.
        mutations: How many the request carried: of several, those before the one that an answer
            without data complains of may have been applied.
    """
    if answer.data is not None and answer.status < _SERVER_ERROR:
        return None
    first = answer.errors[0] if answer.errors else {}
    code = code_of(first)
    text = describe(first) or f"HTTP {answer.status} {answer.body}".strip()
    if code == CONFLICT or answer.status == _CONFLICT:
        wait = wait_of(first, answer.headers)
        return Unknown(text, wait, counts=False, same_key=True)
    if code in EXPIRED:
        return Reject(text)
    if mutations > 1 and _of_one_mutation(code, first, answer):
        return Unknown(text)
    if code in STOPS or answer.status in _UNAUTHORIZED:
        why = STOPS.get(code, "monday refuses the token or its rights")
        return _stop(code, why, text, wait_of(first, answer.headers))
    if _dearer_than_a_window(first):
        return Reject(text)
    if code in LIMITS or answer.status in _WAITS:
        return _limit(code, text, wait_of(first, answer.headers))
    if _refused_before_running(first, answer):
        return Reject(text)
    # No data may also mean that monday failed on its way, or, in the old style, that one of many
    # mutations did: nobody knows what ran.
    broken = answer.status >= _SERVER_ERROR or (answer.data is None and not answer.errors)
    return Unknown(text, same_key=broken and not was_replayed(answer), outage=broken)


def was_replayed(answer: Answer) -> bool:
    """Tell whether monday knew the request by its idempotency key and repeated its answer."""
    return REPLAYED in answer.headers


def _stop(code: str, why: str, text: str, after_s: float | None) -> Stop:
    limit = BUDGETS.get(code)
    return Stop(f"{why} ({text})", limit, after_s if limit else None)


def _limit(code: str, text: str, after_s: float | None) -> Retry:
    return Retry(text, after_s, counts=False, limit=BUDGETS.get(code))


def _of_one_mutation(code: str, error: Mapping[str, Any], answer: Answer) -> bool:
    """Tell whether a stop or a limit may be that of one mutation, met after others had run."""
    if not (answer.old_style or error.get("path")) or code in WHOLE_REQUEST:
        return False
    if code in STOPS or code in LIMITS:
        return answer.status != _NOT_AUTHENTICATED
    # A code of tomorrow: too many requests are refused before they are looked at.
    return answer.status not in {_TOO_MANY, _NOT_AUTHENTICATED} and answer.status < _SERVER_ERROR


def _dearer_than_a_window(error: Mapping[str, Any]) -> bool:
    """Tell whether a request will be refused at any time, as it costs more than a whole window.

    The fields are those of API version 2025-01, the texts those of the versions before, and the
    second text is that of a query above what any single one may cost, up to 2025-07.
    """
    extensions = error.get("extensions") or {}
    in_text = re.search(
        r"query cost (\d+) .* out of (\d+)|has complexity of (\d+).* exceeds \D*(\d+)",
        str(error.get("message", "")),
    )
    cost, most = [one for one in in_text.groups() if one] if in_text else (None, None)
    cost = _seconds(extensions.get("complexity", cost))
    most = _seconds(extensions.get("complexity_budget_limit", most))
    return cost is not None and most is not None and cost > most


def _refused_before_running(error: Mapping[str, Any], answer: Answer) -> bool:
    if answer.status >= _SERVER_ERROR or answer.old_style or not error or error.get("path"):
        return False
    if answer.status == _BAD_REQUEST or code_of(error) in NEVER_RAN:
        return True
    return str(error.get("message") or "").startswith(NEVER_RAN_TEXTS)


def silence(answer: NoAnswer) -> Outcome:
    """Return what it means that nothing came back."""
    if answer.sent:
        return Unknown(answer.reason, same_key=True, outage=True)
    return Retry(f"monday cannot be reached: {answer.reason}", counts=False, outage=True)


def column_of(error: Mapping[str, Any]) -> str | None:
    """Return the id of the column whose value monday refuses, if it names one."""
    extensions = error.get("extensions") or {}
    told = _first_of(extensions.get("error_data") or extensions.get("diagnostic_data"))
    column = told.get("column_id") or next(iter(told.get("columnIds") or ()), None)
    return None if column is None else str(column)


def describe(error: Mapping[str, Any]) -> str:
    """Return an error in one line: its message, its code and the column it names.

    Where a board's own rules are broken, what each of them wants is told too.
    """
    if not error:
        return ""
    extensions = error.get("extensions") or {}
    column = column_of(error)
    parts = [str(error.get("message") or "no message"), *_broken_rules(extensions)]
    if column:
        parts.append(f"column {column}")
    if extensions.get("code"):
        parts.append(str(extensions["code"]))
    return " · ".join(parts)


def _broken_rules(extensions: Mapping[str, Any]) -> list[str]:
    told = extensions.get("error_data")
    rules = told if isinstance(told, list) else []
    return [str(one["message"]) for one in rules if _first_of(one).get("message")]
