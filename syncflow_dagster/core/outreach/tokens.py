"""Templates of messages: `Hi {{first_name|there}}`, with tokens from a list and nothing else.

A token may be written as other tools do (`{first_name}`, `{{firstName}}`, `%FIRSTNAME%`); behind a
bar stands what is said where a lead has no value. What looks like a token and is none is an error
when the template is read: a brace never reaches a person.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncflow_dagster.core.templates import TemplateError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: Tokens that every lead may have; a node's columns come on top.
TOKENS = (
    "first_name",
    "last_name",
    "full_name",
    "company",
    "position",
    "headline",
    "location",
    "sender_first_name",
)
_OTHER_NAMES = {"companyname": "company", "jobtitle": "position", "sendername": "sender_first_name"}
_TOKEN = re.compile(
    r"\{\{(?P<two>[^{}]*)\}\}|\{(?P<one>[^{}]*)\}|%(?P<percent>[A-Z][A-Z_]*[A-Z])%|(?P<stray>[{}])"
)
#: What programs print for a value that is not there.
_NOTHING = frozenset({"none", "null", "nan", "nat", "n/a", "#n/a", "undefined", "-", "--"})
_BLANKS = re.compile(r"[ \t\u00a0]{2,}")


class UnknownTokenError(TemplateError):
    """A token that is none.

    Attributes:
        word: What stands there.
        known: Names that could.
    """

    def __init__(self, word: str, known: tuple[str, ...], position: int) -> None:
        super().__init__(f"{word!r} is no token; known are {', '.join(known)}", position)
        self.word = word
        self.known = known


@dataclass(frozen=True, slots=True)
class Token:
    """A place in a template that a lead's value fills.

    Attributes:
        name: Name of the value, one of `TOKENS` or a column.
        fallback: What is said where there is no value, possibly nothing; None: a value is needed.
    """

    name: str
    fallback: str | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """A template that was read.

    Attributes:
        parts: Texts and tokens, in their order.
    """

    parts: tuple[str | Token, ...]

    @property
    def tokens(self) -> tuple[str, ...]:
        """Names of its tokens, each once, in the order of first use."""
        return tuple(dict.fromkeys(part.name for part in self.parts if isinstance(part, Token)))


@dataclass(frozen=True, slots=True)
class Rendered:
    """A template filled for one lead.

    Attributes:
        text: The text; where tokens are missing it is not to be sent.
        missing: Tokens that have neither value nor fallback.
        used_fallback: Tokens whose fallback stands in the text.
    """

    text: str
    missing: tuple[str, ...] = ()
    used_fallback: tuple[str, ...] = ()


def parse(text: str, columns: Iterable[str] = ()) -> Template:
    """Read a template.

    Args:
        text: For example `Hi {{first_name|there}}, how is {{company}}?`.
        columns: Names of further values that texts of this node may use.

    Raises:
        UnknownTokenError: A token is not known.
        TemplateError: A brace stands alone; it says where.
    """
    known = _known(columns)
    parts: list[str | Token] = []
    end = 0
    for found in _TOKEN.finditer(text):
        parts.append(text[end : found.start()])
        parts.append(_token(found, known))
        end = found.end()
    parts.append(text[end:])
    return Template(tuple(part for part in parts if part != ""))


def render(template: Template, values: Mapping[str, str | None]) -> Rendered:
    """Fill a template.

    Args:
        template: The template.
        values: Values by name; one that is not there, or empty, is missing.
    """
    texts: list[str] = []
    missing: dict[str, None] = {}
    fallbacks: dict[str, None] = {}
    for part in template.parts:
        if isinstance(part, str):
            texts.append(part)
            continue
        value = clean_value(values.get(part.name))
        if value is None and part.fallback is None:
            missing[part.name] = None
        elif value is None:
            fallbacks[part.name] = None
        texts.append(value if value is not None else part.fallback or "")
    lines = (_BLANKS.sub(" ", line).strip() for line in "".join(texts).splitlines())
    return Rendered("\n".join(lines).strip(), tuple(missing), tuple(fallbacks))


def clean_value(value: object) -> str | None:
    """Return a value as it may stand in a text: NFC, in one line; None if it says nothing."""
    if value is None:
        return None
    text = unicodedata.normalize("NFC", " ".join(str(value).split()))
    return None if not text or text.casefold() in _NOTHING else text


def _known(columns: Iterable[str]) -> dict[str, str]:
    """Return names of tokens by how they may be written."""
    own = {_folded(name): name for name in columns}
    return own | _OTHER_NAMES | {_folded(name): name for name in TOKENS}


def _folded(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).casefold()


def _token(found: re.Match[str], known: Mapping[str, str]) -> Token:
    if found["stray"]:
        what = "is never closed" if found["stray"] == "{" else "closes nothing"
        msg = f"{found['stray']!r} {what}; braces stand around tokens only"
        raise TemplateError(msg, found.start())
    inside = found["two"] if found["two"] is not None else found["one"] or found["percent"] or ""
    name, bar, fallback = inside.partition("|")
    if (canonical := known.get(_folded(name))) is None:
        listed = tuple(dict.fromkeys(known.values()))
        raise UnknownTokenError(name.strip() or found[0], listed, found.start())
    return Token(canonical, " ".join(fallback.split()) if bar else None)
