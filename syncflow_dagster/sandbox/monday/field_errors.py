"""Refusals of one field in every recorded wording, for the dial to choose from.

Sources: monday's pages `error-handling` and `validation-rules-guide`, its changelog, and answers
that public clients recorded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.monday.errors import (
    MondayError,
    bad_board,
    bad_column,
    bad_group,
    bad_item,
    field_limit_error,
    not_found,
    subgraph_error,
    unauthorized,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def _bad_value(code: str, message: str, column_id: str, column_type: str, raw: Any) -> MondayError:
    data = {
        "column_id": column_id,
        "column_name": column_id.title(),
        "column_type": column_type,
        "column_value": raw,
        "column_validation_error_code": code,
    }
    return MondayError(message, "ColumnValueException", data=data)


def _rule_broken() -> MondayError:
    # With an array of entries in place of an object.
    entries = [
        {"itemId": None, "columnIds": ["numbers"], "message": "'Numbers' must be at least [5]"},
        {"itemId": None, "columnIds": ["note"], "message": "'Note' is required"},
    ]
    return MondayError("data_validation_error", "DATA_VALIDATIONS_ERROR", status=422, data=entries)


def _codeless(**extra: Any) -> MondayError:
    return MondayError("This column ID doesn't exist for the board", None, status=None, extra=extra)


_DENIED = "User unauthorized to perform action"
_LOCKED = "Resource is currently locked, please try again later"
_PERSON = "invalid value - unable to assign person with id: 7"
_FAILURE_REASON = "ms-authorization.permissions.edit_board.conciseDescription"
#: Refusals of one field, the rest of the document being answered.
FIELD_ERRORS: Mapping[str, Callable[[], MondayError]] = {
    "missing_label": lambda: _bad_value(
        "missingLabel",
        "This status label doesn't exist, possible statuses are: {0: New, 1: Done}",
        "status",
        "color",
        {"label": "Lost"},
    ),
    "invalid_person": lambda: _bad_value(
        "invalidPersonAssignment", _PERSON, "people", "multiple-person", {"personsAndTeams": []}
    ),
    "linked_items_limit": lambda: _bad_value(
        "linkedItemsLimitExceeded",
        "invalid value - too many linked items",
        "board_relation",
        "board-relation",
        {"item_ids": []},
    ),
    "inactive_items": lambda: _bad_value(
        "inactiveItems",
        "invalid value - the linked items are not active",
        "board_relation",
        "board-relation",
        {"item_ids": []},
    ),
    "validation_code_only": lambda: MondayError(
        _PERSON,
        None,
        status=None,
        data={"column_id": "people", "column_validation_error_code": "invalidPersonAssignment"},
    ),
    "corrected_value": lambda: MondayError(
        "This column type does not take a simple value", "CorrectedValueException"
    ),
    "data_validations": _rule_broken,
    "bad_column": lambda: bad_column("lost"),
    "missing_column": lambda: _codeless(
        error_reason="store.monday.automation.error.missing_column",
        diagnostic_data={"column_id": "lost"},
    ),
    "bad_board": lambda: bad_board("1"),
    "bad_item": lambda: bad_item("1"),
    "bad_group": lambda: bad_group("lost"),
    "bad_user": lambda: MondayError("The user does not exist", "InvalidUserIdException"),
    "not_found": lambda: not_found("1"),
    "not_found_200": lambda: MondayError(
        "The requested item was not found or does not exist anymore", "ResourceNotFoundException"
    ),
    "name_too_long": lambda: MondayError("Item name is too long", "ItemNameTooLongException"),
    "board_full": lambda: MondayError(
        "The board has reached its limit of items", "ItemsLimitationException"
    ),
    "record_invalid": lambda: MondayError(
        "The board has too many subscribers", "RecordInvalidException", status=422
    ),
    "user_unauthorized": unauthorized,
    "user_unauthorized_reason": lambda: MondayError(
        _DENIED,
        "UserUnauthorizedException",
        status=403,
        data={"failure_reason": _FAILURE_REASON},
    ),
    "user_access_denied": lambda: MondayError(
        "User access denied", "USER_ACCESS_DENIED", status=403
    ),
    "missing_permissions": lambda: MondayError(
        "The token lacks the scope boards:write", "missingRequiredPermissions"
    ),
    "unauthorized_field": lambda: MondayError(
        "Unauthorized field or type", "UNAUTHORIZED_FIELD_OR_TYPE", status=None
    ),
    "locked": lambda: MondayError(_LOCKED, None, status=423),
    "field_limit": lambda: field_limit_error("FIELD_LIMIT_EXCEEDED", 15),
    "field_minute_limit": lambda: field_limit_error("FIELD_MINUTE_RATE_LIMIT_EXCEEDED", 58),
    "subgraph_limit": subgraph_error,
}
