"""Columns that choose from a set: status, dropdown, tags, checkbox, rating."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.monday.columns.base import (
    UNCHANGED,
    BadValueError,
    Codec,
    Writing,
    members,
    whole_number,
)

if TYPE_CHECKING:
    from syncflow_dagster.sandbox.monday.model import Column, Label

STATUS_LABELS_LIMIT = 40
STATUS_LABEL_LENGTH = 30
# Label id 5 of a status column is its grey, empty state.
EMPTY_STATUS = 5
RATING_LIMIT = 5


def next_label_id(column: Column) -> int:
    """The id that the column's next label gets."""
    taken = {label.id for label in column.labels}
    first = 1
    if column.type == "status":
        taken.add(EMPTY_STATUS)
        first = 0
    return next(n for n in range(first, len(taken) + first + 1) if n not in taken)


def _listing(column: Column) -> str:
    return "{" + ", ".join(f"{label.id}: {label.text}" for label in column.labels) + "}"


def _label(column: Column, text: str) -> Label | None:
    return next((label for label in column.labels if label.text == text), None)


def _status(raw: Any, writing: Writing) -> int | None:
    if isinstance(raw, str):
        raw = {"label": raw}
    raw = members(raw, {"label": str, "index": (int, str)}, 'status is {"label": "Done"}')
    if raw.get("index") is not None:
        return _status_index(raw["index"], writing.column)
    text = raw.get("label") or ""
    if not text:
        return None
    found = _label(writing.column, text)
    if found is None and text.isdecimal():
        return _status_index(text, writing.column)
    if found is None and writing.may_add_labels():
        found = _new_status_label(text, writing)
    if found is None:
        raise BadValueError(
            "This status label doesn't exist, possible statuses are: " + _listing(writing.column),
            "missingLabel",
        )
    return found.id


def _status_index(raw: Any, column: Column) -> int:
    index = whole_number(raw, "status index")
    if index != EMPTY_STATUS and all(label.id != index for label in column.labels):
        raise BadValueError(
            "This status label doesn't exist, possible statuses are: " + _listing(column),
            "missingLabel",
        )
    return index


def _new_status_label(text: str, writing: Writing) -> Label:
    if len(text) > STATUS_LABEL_LENGTH:
        msg = f"invalid value - a status label has at most {STATUS_LABEL_LENGTH} characters"
        raise BadValueError(
            msg,
            "labelTooLong",
        )
    if len(writing.column.labels) >= STATUS_LABELS_LIMIT:
        msg = f"invalid value - a status column has at most {STATUS_LABELS_LIMIT} labels"
        raise BadValueError(
            msg,
            "labelsLimitExceeded",
        )
    return writing.add_label(text)


def _text_of(column: Column, label_id: int) -> str | None:
    return next((label.text for label in column.labels if label.id == label_id), None)


def _status_fields(value: int | None, column: Column) -> dict[str, Any]:
    return {"index": value, "label": None if value is None else _text_of(column, value)}


def _dropdown(raw: Any, writing: Writing) -> tuple[int, ...] | None:
    if isinstance(raw, str):
        raw = _dropdown_simple(raw)
    raw = members(raw, {"labels": list, "ids": list}, 'dropdown is {"labels": ["A"]}')
    if raw.get("labels") and raw.get("ids"):
        raise BadValueError("invalid value - labels and ids cannot be mixed")
    if raw.get("ids"):
        chosen = [whole_number(n, "dropdown id") for n in raw["ids"]]
        known = {label.id for label in writing.column.labels}
        if missing := [n for n in chosen if n not in known]:
            raise _missing_option(str(missing[0]), writing.column)
    else:
        chosen = [_dropdown_label(text, writing).id for text in raw.get("labels") or ()]
    return tuple(dict.fromkeys(chosen)) or None


def _dropdown_simple(text: str) -> dict[str, Any]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if parts and all(part.isdecimal() for part in parts):
        return {"ids": parts}
    return {"labels": parts}


def _dropdown_label(text: Any, writing: Writing) -> Label:
    if not isinstance(text, str) or not text:
        raise BadValueError("invalid value - a dropdown label is a string")
    found = _label(writing.column, text)
    if found is None and writing.may_add_labels():
        found = writing.add_label(text)
    if found is None:
        raise _missing_option(text, writing.column)
    return found


def _missing_option(text: str, column: Column) -> BadValueError:
    message = f"The dropdown label '{text}' does not exist, possible labels are: "
    return BadValueError(message + _listing(column), "missingLabel")


def _dropdown_text(value: tuple[int, ...], column: Column) -> str:
    return ", ".join(_text_of(column, label_id) or "" for label_id in value)


def _dropdown_fields(value: tuple[int, ...] | None, column: Column) -> dict[str, Any]:
    return {"values": [{"id": n, "label": _text_of(column, n) or ""} for n in value or ()]}


def _tags(raw: Any, writing: Writing) -> tuple[int, ...] | None:
    if isinstance(raw, str):
        raw = {"tag_ids": [part for part in raw.replace(",", " ").split() if part]}
    listed = members(raw, {"tag_ids": list}, 'tags are {"tag_ids": [1]}').get("tag_ids") or ()
    tags = tuple(dict.fromkeys(whole_number(n, "tag id") for n in listed))
    if missing := [n for n in tags if not writing.tag_exists(n)]:
        msg = f"invalid value - there is no tag with id: {missing[0]}"
        raise BadValueError(msg)
    return tags or None


def _checkbox(raw: Any, _writing: Writing) -> Any:
    if isinstance(raw, str):
        raw = {"checked": raw}
    what = 'checkbox is {"checked": "true"}'
    given = members(raw, {"checked": (str, bool)}, what).get("checked")
    if given not in (True, "true", False, "false"):
        msg = f"invalid value - {what}. Please check our API documentation"
        raise BadValueError(msg)
    # Observed: "false" is accepted and does not uncheck. Only null does.
    return True if given in (True, "true") else UNCHANGED


def _rating(raw: Any, _writing: Writing) -> int:
    if isinstance(raw, str):
        raw = {"rating": raw}
    stars = members(raw, {"rating": (int, str)}, 'rating is {"rating": 4}').get("rating")
    number = whole_number(stars, "rating")
    if not 1 <= number <= RATING_LIMIT:
        msg = f"invalid value - a rating is from 1 to {RATING_LIMIT}"
        raise BadValueError(msg)
    return number


STATUS = Codec(
    "StatusValue",
    parse=_status,
    text=lambda value, column: _text_of(column, value),
    empty_text=None,
    shown=lambda value: {"index": value, "post_id": None},
    fields=_status_fields,
    terms=lambda value, _column: frozenset({value, str(value)}),
    legacy_type="color",
)
DROPDOWN = Codec(
    "DropdownValue",
    parse=_dropdown,
    text=_dropdown_text,
    empty_text=None,
    shown=lambda value: {"ids": list(value)},
    fields=_dropdown_fields,
    terms=lambda value, _column: frozenset(value) | {str(n) for n in value},
)
TAGS = Codec(
    "TagsValue",
    parse=_tags,
    text=lambda value, _column: ", ".join(str(n) for n in value),
    shown=lambda value: {"tag_ids": list(value)},
    fields=lambda value, _column: {"tag_ids": list(value or ())},
    terms=lambda value, _column: frozenset(value) | {str(n) for n in value},
    legacy_type="tag",
)
CHECKBOX = Codec(
    "CheckboxValue",
    parse=_checkbox,
    text=lambda _value, _column: "v",
    shown=lambda _value: {"checked": True},
    fields=lambda value, _column: {"checked": bool(value)},
    legacy_type="boolean",
)
RATING = Codec(
    "RatingValue",
    parse=_rating,
    shown=lambda value: {"rating": value},
    fields=lambda value, _column: {"rating": value},
    terms=lambda value, _column: frozenset({value, str(value)}),
    order=int,
)
