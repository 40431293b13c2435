"""Name templates: `{order_number} {style}` filled with the fields of a record.

A field stands in braces; `{{` and `}}` stand for the braces themselves. Nothing else is known: no
formats, no attributes, no indexes, so that a template can be checked whole before it is used.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_TOKEN = re.compile(r"\{\{|\}\}|\{(?P<field>[^{}]*)\}|(?P<stray>[{}])")
_FIELD = re.compile(r"[a-z_][a-z0-9_]*")


class TemplateError(ValueError):
    """A name template that cannot be read.

    Attributes:
        position: Index of the character that is wrong, counted from 0.
    """

    def __init__(self, message: str, position: int) -> None:
        super().__init__(f"{message} (character {position + 1})")
        self.position = position


@dataclass(frozen=True, slots=True)
class _Field:
    name: str


@dataclass(frozen=True, slots=True)
class NameTemplate:
    """A template that was read.

    Attributes:
        parts: Texts and fields, in their order.
    """

    parts: tuple[str | _Field, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields it uses, each once, in the order of first use."""
        return tuple(dict.fromkeys(part.name for part in self.parts if isinstance(part, _Field)))

    def render(self, record: Mapping[str, object]) -> str:
        """Fill the template.

        Args:
            record: Values by field name; None is left out.

        Returns:
            The text, without blanks at its ends and with single blanks inside, so that a field
            left out leaves no gap. It may be empty.

        Raises:
            KeyError: The record has no such field.
        """
        texts = (
            _text(record[part.name]) if isinstance(part, _Field) else part for part in self.parts
        )
        return " ".join("".join(texts).split())


def parse(text: str) -> NameTemplate:
    """Read a template.

    Args:
        text: For example `{order_number} {style}`.

    Returns:
        The template, ready to be filled.

    Raises:
        TemplateError: A brace stands alone, or what it encloses is no field name.
    """
    parts: list[str | _Field] = []
    end = 0
    for token in _TOKEN.finditer(text):
        parts.append(text[end : token.start()])
        parts.append(_part(token))
        end = token.end()
    parts.append(text[end:])
    return NameTemplate(tuple(part for part in parts if part != ""))


def _part(token: re.Match[str]) -> str | _Field:
    stray, name = token["stray"], token["field"]
    if stray is not None:
        what = "is never closed" if stray == "{" else "closes nothing"
        msg = f"{stray!r} {what}; write {stray * 2!r} for the brace"
        raise TemplateError(msg, token.start())
    if name is None:
        return token[0][0]
    if not name:
        raise TemplateError("'{}' names no field", token.start())
    if _FIELD.fullmatch(name) is None:
        msg = f"{name!r} is no field name: lower-case letters, digits and '_' only, no blanks"
        raise TemplateError(
            msg,
            token.start() + 1,
        )
    return _Field(name)


def _text(value: object) -> str:
    return "" if value is None else str(value)
