"""pydantic's errors in plain words that say what would be right.

No message shows a value as it was read, only as the file has it: variables stay unresolved.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from syncflow_dagster.workflows import shape
from syncflow_dagster.workflows.models import Workflow
from syncflow_dagster.workflows.models.salesforce import GROUPS
from syncflow_dagster.workflows.problems import Finding, Loc, nearest, suggestion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

    from syncflow_dagster.workflows.document import Document

_Words = tuple[str, str]
_LONGEST_SHOWN = 60

#: What a pattern of the models asks for, by the pattern.
_PATTERNS: Mapping[str, str] = {
    r"^[a-z][a-z0-9_]{0,62}$": "a name of lower-case letters, digits and '_' that begins with a "
    "letter (63 characters at most)",
    r"^[a-z_][a-z0-9_]{0,54}$": "a name of lower-case letters, digits and '_' that begins with no "
    "digit (55 characters at most)",
    r"^\d+$": 'digits in quotes, for example "1234567890"',
    r"^\d{2,3}\.0$": 'a version in quotes, for example "64.0"',
    r"^[A-Za-z][A-Za-z0-9_]{0,79}$": "an API name of Salesforce, such as Contact or Tag__c",
    r"^[A-Z]{2}$": 'two capital letters in quotes, for example "US"',
    r"^([01]\d|2[0-3]):[0-5]\d$": 'a time of day in quotes, for example "08:30"',
    r"^\d{4}-\d{2}$": 'a year and a month, for example "2026-10"',
}
_WANTED = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "a text",
    "list": "a list",
    "tuple": "a list",
    "date": "a date such as 2026-12-24",
    "datetime": "a time such as 2026-01-05T09:00",
    "dict": "a mapping of keys to values",
    "model": "a mapping of keys to values",
}
_BOUNDS = {
    "greater_than": ("gt", "greater than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}
_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'")


def findings(
    errors: Iterable[ErrorDetails], document: Document, root: type[BaseModel] = Workflow
) -> list[Finding]:
    """Turn pydantic's errors into findings, one for each mistake.

    Args:
        errors: From `ValidationError.errors(include_input=False)`.
        document: The file they are about.
        root: The model of the whole file.
    """
    details = list(errors)
    misspelt = {meant for error in details if (meant := _meant(error, details)) is not None}
    found: dict[Finding, None] = {}
    for error in details:
        # A misspelt key is one mistake, not an unknown key and a missing one; nor is a list whose
        # entries are wrong too short as well.
        echo = error["type"] == "too_short" and any(_lies_in(one, error) for one in details)
        if not echo and (error["type"] != "missing" or error["loc"] not in misspelt):
            meant = _meant(error, details)
            word = str(meant[-1]) if meant else None
            found.setdefault(_finding(error, document, root, word))
    return list(found)


def _lies_in(error: ErrorDetails, other: ErrorDetails) -> bool:
    """Tell whether an error is about a part of what another one is about."""
    above = other["loc"]
    return len(error["loc"]) > len(above) and error["loc"][: len(above)] == above


def _meant(error: ErrorDetails, all_errors: Iterable[ErrorDetails]) -> Loc | None:
    """Return the missing key an unknown key stands for, if it is near one."""
    if error["type"] != "extra_forbidden":
        return None
    *parent, word = error["loc"]
    here = [other for other in all_errors if list(other["loc"][:-1]) == parent]
    missing = [str(other["loc"][-1]) for other in here if other["type"] == "missing"]
    unknown = [other for other in here if other["type"] == "extra_forbidden"]
    meant = nearest(str(word), missing)
    if meant is None and len(missing) == len(unknown) == 1:
        meant = missing[0]  # the one that is too many is the one that is missing
    return (*parent, meant) if meant is not None else None


@dataclass(frozen=True, slots=True)
class _Case:
    kind: str
    error_loc: Loc
    spot: shape.Spot
    context: Mapping[str, Any]
    document: Document
    fallback: str
    root: type[BaseModel]

    @property
    def loc(self) -> Loc:
        return self.spot.loc

    @property
    def key(self) -> str:
        return str(self.loc[-1]) if self.loc else ""

    @property
    def shown(self) -> str:
        """What the file has there, for a message."""
        kind, written = self.document.kind(self.loc), self.document.written(self.loc)
        if not written:
            return "empty" if written == "" or kind == "an empty value" else kind
        short = written if len(written) <= _LONGEST_SHOWN else f"{written[:_LONGEST_SHOWN]}…"
        return f"{kind}: {short}"


def _finding(
    error: ErrorDetails, document: Document, root: type[BaseModel], meant: str | None
) -> Finding:
    loc, context = error["loc"], error.get("ctx", {})
    spot = shape.find(loc, root)
    case = _Case(error["type"], loc, spot, context, document, error["msg"], root)
    if spot.plain_union:
        message = f"must be one value, or a list of values, but it is {case.shown}"
        return Finding(spot.loc, message, "a value is a text, a number, a date, true or false")
    if spot.at_key and case.kind == "string_pattern_mismatch":
        message, hint = _pattern(case)
        return Finding(spot.loc, f"the key {case.key!r} {message}", hint, at_key=True)
    message, hint = _WORDS.get(case.kind, _any_type)(case)
    if meant is not None and f"did you mean {meant!r}?" not in hint:
        hint = f"did you mean {meant!r}, which is missing? {hint}"
    return Finding(spot.loc, message, hint, at_key=case.kind == "extra_forbidden")


def _unknown_key(case: _Case) -> _Words:
    keys = shape.known_keys(case.error_loc, case.root)
    if len(keys) == 1 and (group := keys[0]) in GROUPS:
        message = f"a group of conditions has one key, but beside {group!r} stands {case.key!r}"
        inner = f"{{{case.key}: …}}" if case.key in GROUPS else "{attribute: …, operator: …}"
        return message, f"put it into the list of {group!r}, as an entry of its own: {inner}"
    return f"unknown key {case.key!r}", suggestion(case.key, keys, "known keys")


def _missing(case: _Case) -> _Words:
    models = shape.find(case.error_loc[:-1], case.root).models
    info = next((m.model_fields[case.key] for m in models if case.key in m.model_fields), None)
    description = (info.description or "") if info is not None else ""
    return f"missing key {case.key!r}", description.rstrip(".")


def _no_tag(case: _Case) -> _Words:
    key = str(case.context["discriminator"]).strip("'")
    misspelt = nearest(key, case.document.keys(case.loc))
    given = f" (is {misspelt!r} meant for it?)" if misspelt else ""
    return f"missing key {key!r}{given}", f"one of: {', '.join(case.spot.tags(key))}"


def _unknown_tag(case: _Case) -> _Words:
    key = str(case.context["discriminator"]).strip("'")
    tags = case.spot.tags(key)
    written = case.document.written((*case.loc, key))
    if not written:
        return f"{key!r} must be a text", f"one of: {', '.join(tags)}"
    return f"unknown {key} {written!r}", suggestion(written, tags, "one of")


def _literal(case: _Case) -> _Words:
    expected = _QUOTED.findall(str(case.context["expected"]))
    written = case.document.written(case.loc)
    if written is not None and written in expected and case.document.kind(case.loc) != "a text":
        return _misread(case, written)
    if not written:
        return f"must be one of: {', '.join(expected)}, but it is {case.shown}", ""
    close = nearest(written, expected)
    hint = f"did you mean {close!r}?" if close else ""
    return f"{written!r} is not one of: {', '.join(expected)}", hint


def _text(case: _Case) -> _Words:
    kind, written = case.document.kind(case.loc), case.document.written(case.loc)
    if written is None:
        hint = "a text that begins with '{' or '[' needs quotes around it"
        return f"must be a text, but it is {kind}", hint
    if not written:
        return "has no value, but must be a text", "write one, or leave the key out"
    return _misread(case, written)


def _misread(case: _Case, written: str) -> _Words:
    kind = case.document.kind(case.loc)
    message = f"must be a text, but YAML reads {written} as {kind}"
    return message, f'put it in quotes: "{written}"'


def _any_type(case: _Case) -> _Words:
    """Words for `int_parsing`, `list_type` and their like, and for what nobody foresaw."""
    wanted = _WANTED.get(case.kind.partition("_")[0])
    if wanted is None:
        return case.fallback[:1].lower() + case.fallback[1:], ""
    hint = "begin each entry with '- '" if wanted == "a list" else ""
    return f"must be {wanted}, but it is {case.shown}", hint


def _pattern(case: _Case) -> _Words:
    wanted = _PATTERNS.get(str(case.context["pattern"]), f"of the form {case.context['pattern']}")
    word = case.key if case.spot.at_key else (case.document.written(case.loc) or "")
    better = re.sub(r"[^a-z0-9_]+", "_", word.lower()).strip("_")
    usable = better and better != word and re.match(case.context["pattern"], better)
    hint = f"did you mean {better!r}?" if usable and "$" not in word else ""
    if case.spot.at_key:
        return f"must be {wanted}", hint
    return f"must be {wanted}, but it is {case.shown}", hint


def _bound(case: _Case) -> _Words:
    key, words = _BOUNDS[case.kind]
    return f"must be {words} {case.context[key]:.15g}, but it is {case.shown}", ""


def _empty(_case: _Case) -> _Words:
    return "must not be empty", ""


def _too_long(case: _Case) -> _Words:
    return f"must not be longer than {case.context['max_length']}", ""


_WORDS: Mapping[str, Callable[[_Case], _Words]] = {
    "extra_forbidden": _unknown_key,
    "missing": _missing,
    "union_tag_not_found": _no_tag,
    "union_tag_invalid": _unknown_tag,
    "literal_error": _literal,
    "string_type": _text,
    "string_pattern_mismatch": _pattern,
    "string_too_short": _empty,
    "too_short": _empty,
    "string_too_long": _too_long,
    "too_long": _too_long,
    **dict.fromkeys(_BOUNDS, _bound),
}
