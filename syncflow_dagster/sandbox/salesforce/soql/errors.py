"""What Salesforce answers to a query it does not take: a code, and words that point at a place."""

from __future__ import annotations

# How far around the place the message shows the query, and where it may cut it. Worked out from
# messages in public issues: jsforce #795, restforce #632, forcedotcom/salesforcedx-apex #153.
_WINDOW = 30
_CUTS = " ,\t\r\n"


class SoqlError(Exception):
    """A query is refused.

    Attributes:
        error_code: Salesforce's word, such as `MALFORMED_QUERY` or `INVALID_FIELD`.
        message: Salesforce's text; where it knows a place, with the piece of the query, a caret
            below it, and `ERROR at Row:r:Column:c`.
    """

    def __init__(self, error_code: str, message: str) -> None:
        super().__init__(f"{error_code}: {message}")
        self.error_code = error_code
        self.message = message


class NotInSandboxError(SoqlError):
    """A query that Salesforce takes and this sandbox does not understand.

    It is told apart so that nobody takes the sandbox's gap for Salesforce's refusal.
    """

    def __init__(self, what: str) -> None:
        super().__init__("MALFORMED_QUERY", f"The sandbox does not know {what} in SOQL")


def at_place(error_code: str, query: str, place: int, detail: str) -> SoqlError:
    """The error for a place of the query.

    Args:
        error_code: Salesforce's word.
        query: The whole query.
        place: Index of the first character that is wrong; it may be the query's length.
        detail: What is wrong there.
    """
    return SoqlError(error_code, _pointing(query, place, detail))


def in_token(query: str, place: int, detail: str) -> SoqlError:
    """The error for something inside a token: a string, or a character no token begins with.

    Salesforce counts the columns of these from 0 (restforce #632,
    forcedotcom/SalesforceMobileSDK-ReactNative #82), so its caret stands one too far left.
    """
    return SoqlError("MALFORMED_QUERY", _pointing(query, max(place - 1, 0), detail))


def no_alternative(query: str, place: int) -> SoqlError:
    """The error for a character that begins no token."""
    row, column = row_column(query, place)
    detail = f"line {row}:{column - 1} no viable alternative at character '{query[place]}'"
    return in_token(query, place, detail)


def row_column(query: str, place: int) -> tuple[int, int]:
    """Row and column of a place, both counted from 1."""
    return query.count("\n", 0, place) + 1, place - query.rfind("\n", 0, place)


def _pointing(query: str, place: int, detail: str) -> str:
    row, column = row_column(query, place)
    first = place - column + 1
    last = query.find("\n", place)
    start, end = max(place - _WINDOW, first), place + _WINDOW
    while start > first and query[start - 1] not in _CUTS:
        start -= 1
    start += len(query[start:place]) - len(query[start:place].lstrip(" "))
    end = min(end, len(query) if last < 0 else last)
    while end < len(query) and query[end] not in _CUTS:
        end += 1
    caret = " " * (place - start) + "^"
    return f"\n{query[start:end]}\n{caret}\nERROR at Row:{row}:Column:{column}\n{detail}"
