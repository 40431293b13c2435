"""SQL templates: Jinja2 whose every `{{ expression }}` becomes a bound parameter.

Values never become SQL text. The only way around is the `identifier` filter, for names of tables
and columns, and it lets nothing but names through. Statements that would turn output into values
again (macros, block assignments, filters over blocks, includes) are refused.
"""

from __future__ import annotations

import re
import traceback
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, meta, nodes, pass_context
from jinja2.runtime import Undefined
from jinja2.sandbox import SandboxedEnvironment

from syncflow_dagster.nodes.pull.ports import BoundValue, Query
from syncflow_dagster.nodes.pull.quotes import enclosures

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from jinja2.runtime import Context

#: What every template is given beside its parameters: the value of the node's `resume` column to
#: read on behind, and the row version to read changes since; null: all rows.
RESUME_AFTER, CHANGED_SINCE = "resume_after", "changed_since"
#: Beside that: where the time that is read begins, exclusive (null at first: everything up to the
#: end) and ends, inclusive; and the due time the run was started for, by hand the present moment.
INTERVAL_START, INTERVAL_END, SCHEDULED_FOR = "interval_start", "interval_end", "scheduled_for"
INTERVAL = frozenset({INTERVAL_START, INTERVAL_END})
#: All of them; no parameter of a node may be called so.
GIVEN = frozenset({RESUME_AFTER, CHANGED_SINCE, SCHEDULED_FOR, *INTERVAL})
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}(\.[A-Za-z_][A-Za-z0-9_]{0,62}){0,2}")
_MARKER = re.compile(r"\0(\d+)\0")
_WORDLIKE = re.compile(r"[\w$:]")
_BINDABLE = (bool, int, float, Decimal, str, bytes, date, datetime, time, UUID)
_MISPLACED = {
    "quotes": "an expression stands inside quotes; remove them: values are bound, not pasted",
    "comment": "an expression stands in a comment; use {# … #} to comment it out",
    "unclear": "an expression stands in or behind what some servers read as quotes or a comment: ",
}
_REFUSED: Mapping[type[nodes.Node], str] = {
    nodes.Macro: "macro",
    nodes.CallBlock: "call",
    nodes.FilterBlock: "filter",
    nodes.AssignBlock: "set … endset",
    nodes.Include: "include",
    nodes.Import: "import",
    nodes.FromImport: "from … import",
    nodes.Extends: "extends",
    nodes.Block: "block",
}


class QueryTemplateError(ValueError):
    """A template that cannot be read or filled.

    Attributes:
        path: The template.
        line: Line of the mistake, counted from 1.
        message: What is wrong.
    """

    def __init__(self, path: Path, line: int, message: str) -> None:
        super().__init__(f"{path}:{line}: {message}")
        self.path = path
        self.line = line
        self.message = message


class _Identifier(str):
    """A name that was checked; anything made of it is a plain text again and gets bound."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Variable:
    """A value a template uses.

    Attributes:
        name: Its name.
        line: Where it is first used, counted from 1.
        column: The same.
        needed: Whether it must be given: the template neither asks whether it `is defined` nor
            gives it a `default`.
        unasked: Line where it is written as it is, outside every `if` that asks for it; None: it
            stands nowhere like that, so that it may be null.
    """

    name: str
    line: int
    column: int
    needed: bool = True
    unasked: int | None = None


def read_text(path: Path) -> str:
    """Return a template as it is written.

    Raises:
        QueryTemplateError: It is not there, or no UTF-8 text.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise QueryTemplateError(path, line, "the file is not UTF-8 text") from error
    except OSError as error:
        raise QueryTemplateError(path, 1, f"cannot be read: {error.strerror}") from error


def variables(path: Path, database: str | None = None) -> list[Variable]:
    """Read a template without filling it.

    Args:
        path: The `.sql.j2` file.
        database: The kind of database it is for, as SQLAlchemy calls it; None: not known yet, so
            that what only some databases take for quotes is let pass until the template is filled.

    Returns:
        The values it uses, by place.

    Raises:
        QueryTemplateError: It cannot be read; the line is the one Jinja names.
    """
    source = read_text(path)
    tree = _parse(path, source, database)
    used, optional = meta.find_undeclared_variables(tree), _optional(tree)
    unasked = dict(reversed(list(_unasked(tree, frozenset()))))
    first: dict[str, int] = {}
    for name in tree.find_all(nodes.Name):
        if name.name in used and name.ctx == "load":
            first[name.name] = min(name.lineno, first.get(name.name, name.lineno))
    lines = source.splitlines()
    found = [
        Variable(name, line, _column(lines, line, name), name not in optional, unasked.get(name))
        for name, line in first.items()
    ]
    return sorted(found, key=lambda variable: (variable.line, variable.column))


def _optional(tree: nodes.Template) -> set[str]:
    asked = [test.node for test in tree.find_all(nodes.Test) if test.name == "defined"]
    given = [use.node for use in tree.find_all(nodes.Filter) if use.name in {"default", "d"}]
    return {node.name for node in [*asked, *given] if isinstance(node, nodes.Name)}


def _unasked(node: nodes.Node, asked: frozenset[str]) -> Iterator[tuple[str, int]]:
    """Find names that are written as they are, with their lines, in the template's order."""
    if isinstance(node, nodes.If):
        asked |= {name.name for name in node.test.find_all(nodes.Name)}
        if isinstance(node.test, nodes.Name):
            asked |= {node.test.name}
    for child in node.iter_child_nodes():
        if isinstance(node, nodes.Output) and isinstance(child, nodes.Name):
            if child.name not in asked:
                yield child.name, child.lineno
        else:
            yield from _unasked(child, asked)


def _column(lines: list[str], line: int, name: str) -> int:
    text = lines[line - 1] if line <= len(lines) else ""
    found = re.search(rf"\b{re.escape(name)}\b", text)
    return found.start() + 1 if found else 1


def render(template_path: Path, parameters: Mapping[str, Any], database: str = "") -> Query:
    """Fill a template.

    Args:
        template_path: The `.sql.j2` file.
        parameters: What it may use. Lists become `(:p1, :p2)`, as `in` wants them.
        database: As for `variables`; of one that is not known here only what all databases read
            alike is taken.

    Returns:
        The statement, with one bound parameter for each value.

    Raises:
        QueryTemplateError: A parameter is missing, a value cannot be bound, a name is none, or an
            expression stands inside quotes or a comment, where a database binds nothing, or may
            stand there.
    """
    source = read_text(template_path)
    _parse(template_path, source, database)
    binder = _Binder()
    environment = _environment(binder)
    template = environment.from_string(source)
    try:
        rendered = "".join(template.root_render_func(template.new_context(dict(parameters))))
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        line = template.get_corresponding_lineno(_line_of(error))
        raise QueryTemplateError(template_path, line, _plain(error)) from error
    _refuse_enclosed(template_path, rendered, database)
    prefix = _free_prefix(rendered)
    values = {f"{prefix}{number}": value for number, value in enumerate(binder.values, start=1)}
    return Query(_name_parameters(rendered, prefix).strip(), values, template_path)


class _Binder:
    """Replaces values by markers, and keeps them in order."""

    def __init__(self) -> None:
        self.values: list[BoundValue] = []

    def finalize(self, value: Any) -> str:
        """Turn the value of one expression into SQL text."""
        if type(value) is _Identifier:
            return str(value)
        if isinstance(value, (list, tuple)):
            if not value:
                msg = (
                    "the list is empty, and SQL has no empty list; "
                    "leave the condition out with {% if … %}"
                )
                raise ValueError(msg)
            return f"({', '.join(self._bind(item) for item in value)})"
        return self._bind(value)

    def _bind(self, value: Any) -> str:
        if isinstance(value, Undefined):
            # Using it in a text makes Jinja raise the error that names it.
            return str(value)
        if value is not None and not isinstance(value, _BINDABLE):
            msg = (
                f"a value of type {type(value).__name__} cannot be bound; "
                "use a text, number, date, true/false, or a list of them"
            )
            raise TypeError(msg)
        # Plain str: a driver may not know a subclass, such as Jinja's Markup.
        self.values.append(str(value) if isinstance(value, str) else value)
        return f"\0{len(self.values)}\0"


def _name_parameters(rendered: str, prefix: str) -> str:
    """Put parameter names where the markers are, parted from words they touch."""

    def name(marker: re.Match[str]) -> str:
        before, after = rendered[: marker.start()][-1:], rendered[marker.end() :][:1]
        left = " " if _WORDLIKE.fullmatch(before) or before == "\0" else ""
        # The next marker brings its own blank.
        right = " " if _WORDLIKE.fullmatch(after) and after != ":" else ""
        return f"{left}:{prefix}{marker[1]}{right}"

    return _MARKER.sub(name, rendered)


def _environment(binder: _Binder) -> SandboxedEnvironment:
    # A finalize that takes the context is never run at compile time, and without the optimizer
    # nothing is folded: no constant becomes template text.
    @pass_context
    def finalize(_context: Context, value: Any) -> str:
        return binder.finalize(value)

    environment = SandboxedEnvironment(
        undefined=StrictUndefined, finalize=finalize, optimized=False, autoescape=False
    )
    environment.filters["identifier"] = _identifier
    return environment


def _identifier(value: Any) -> _Identifier:
    if not isinstance(value, str) or _NAME.fullmatch(value) is None:
        msg = (
            "the identifier filter takes a name of letters, digits and '_' that begins with a "
            "letter, with a schema before it if need be"
        )
        raise ValueError(msg)
    return _Identifier(value)


def _parse(path: Path, source: str, database: str | None) -> nodes.Template:
    if not source.strip():
        raise QueryTemplateError(path, 1, "the file is empty; it must hold one select")
    if "\0" in source:
        raise QueryTemplateError(path, 1, "the file holds a NUL character; remove it")
    environment = SandboxedEnvironment()
    environment.filters["identifier"] = _identifier
    try:
        tree = environment.parse(source)
        environment.compile(tree)
    except TemplateSyntaxError as error:
        raise QueryTemplateError(path, error.lineno, str(error.message)) from error
    except RecursionError as error:
        raise QueryTemplateError(path, 1, "expressions are nested too deeply") from error
    for line, message in _enclosed_lines(environment, source, database):
        raise QueryTemplateError(path, line, message)
    for kind, name in _REFUSED.items():
        for node in tree.find_all(kind):
            message = f"{{% {name} %}} is not supported in a query template; use if, for and set"
            raise QueryTemplateError(path, node.lineno, message)
    return tree


def _free_prefix(rendered: str) -> str:
    """Return a beginning of parameter names that the author's own text does not use."""
    prefix = "p"
    while f":{prefix}" in rendered:
        prefix += "_"
    return prefix


def _enclosed_lines(
    environment: SandboxedEnvironment, source: str, database: str | None
) -> Iterator[tuple[int, str]]:
    """Find expressions in quotes and comments, by the lines they stand in."""
    text, lines = "", []
    for line, kind, value in environment.lex(source):
        if kind == "data":
            text += value
        elif kind == "variable_begin":
            lines.append(line)
            text += f"\0{len(lines)}\0"
    for number, message in _enclosed(text, database):
        yield lines[number - 1], message


def _refuse_enclosed(path: Path, rendered: str, database: str) -> None:
    """Refuse what only shows once the template is filled: quotes opened and closed by branches."""
    for _, message in _enclosed(rendered, database):
        raise QueryTemplateError(path, 1, message)


def _enclosed(text: str, database: str | None) -> Iterator[tuple[int, str]]:
    for span in enclosures(text, database or ""):
        if span.kind == "unclear" and database is None:
            continue
        for marker in _MARKER.finditer(text, span.start, span.end):
            yield int(marker[1]), _MISPLACED[span.kind] + span.why


def _line_of(error: BaseException) -> int:
    """Return the line of the compiled template an error came from."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == "<template>" and frame.lineno
    ]
    return lines[-1] if lines else 1


def _plain(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
