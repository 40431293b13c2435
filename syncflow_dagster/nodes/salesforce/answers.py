"""One answer of Salesforce as plain data."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import requests

_BEGINNING = 200
_NO_CONTENT = b""


@dataclass(frozen=True, slots=True)
class ApiError:
    """One error of an answer, or of one record of it.

    Attributes:
        code: `errorCode` of a whole answer, `statusCode` of one record.
        message: Its text.
        fields: Fields it is about, if it names any.
    """

    code: str
    message: str
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return it in one line: its text, its code and its fields."""
        text = " ".join(self.message.split()) or "no message"
        return " · ".join([text, self.code, *([", ".join(self.fields)] if self.fields else [])])


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        status: HTTP status.
        headers: Header fields, names in any case.
        body: The decoded JSON; None where there was none.
        errors: What it complains of.
        text: Beginning of a body that was neither JSON nor CSV.
        content: A body of CSV, packed as `Content-Encoding` says.
    """

    status: int
    headers: Mapping[str, str]
    body: Any = None
    errors: tuple[ApiError, ...] = ()
    text: str = ""
    content: bytes | None = field(default=None, repr=False)

    @property
    def ok(self) -> bool:
        """Whether the request was carried out, and its answer can be read."""
        return 200 <= self.status < 300 and not self.text

    @property
    def error(self) -> ApiError:
        """The first error; one without a code where the answer holds none."""
        if self.errors:
            return self.errors[0]
        return ApiError("", f"HTTP {self.status} {self.text}".strip())


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Nothing usable came back.

    Attributes:
        reason: What happened.
        sent: False if the request surely never left this machine.
        refused: The org refuses the login: nobody has to ask again until somebody acts.
        ceiling: A ceiling of our own on the org's requests of a day is reached.
    """

    reason: str
    sent: bool
    refused: bool = False
    ceiling: bool = False


def answer_of(response: requests.Response, clean: Callable[[str], str]) -> Answer:
    """Read an answer.

    Args:
        response: Its body is read already: of CSV into `raw`, else into `content`.
        clean: Takes secrets out of a text.
    """
    status, headers = response.status_code, response.headers
    if is_csv(response):
        return Answer(status, headers, content=response.raw.read())
    content = response.content
    if content.strip() == _NO_CONTENT:
        return Answer(status, headers)
    try:
        body = json.loads(content)
    except ValueError:  # also what is no UTF-8
        beginning = content[: 4 * _BEGINNING].decode("utf-8", "replace")
        text = clean(" ".join(beginning.split()))[:_BEGINNING] or "an unreadable body"
        return Answer(status, headers, text=text)
    errors = _errors(body, clean) if status >= 300 else ()
    return Answer(status, headers, body, errors)


def is_csv(response: requests.Response) -> bool:
    """Tell whether an answer's body is CSV."""
    return response.headers.get("Content-Type", "").startswith("text/csv")


def errors_of(given: Any, clean: Callable[[str], str] = str) -> tuple[ApiError, ...]:
    """Read a list of errors: those of a whole answer, or of one record of it."""
    listed = given if isinstance(given, list) else [given]
    return tuple(_error(one, clean) for one in listed if isinstance(one, dict))


def _errors(body: Any, clean: Callable[[str], str]) -> tuple[ApiError, ...]:
    found = errors_of(body, clean)
    return tuple(one for one in found if one.code or one.message)


def _error(given: Mapping[str, Any], clean: Callable[[str], str]) -> ApiError:
    """Read an error; whole answers, single records, OAuth and Bulk each have their own names."""
    code = _first(given, "errorCode", "statusCode", "exceptionCode", "error")
    text = _first(given, "message", "exceptionMessage", "error_description")
    fields = given.get("fields")
    names = tuple(map(str, fields)) if isinstance(fields, list) else ()
    return ApiError(code, clean(text), names)


def _first(given: Mapping[str, Any], *names: str) -> str:
    return next((str(given[name]) for name in names if given.get(name)), "")
