"""A YAML file as plain data that knows where each of its parts stands.

PyYAML's `compose` gives the nodes with their marks; they are turned into data here, value by
value, so that one bad value is one problem and the rest of the file is still read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml
from yaml.constructor import ConstructorError

from syncflow_dagster.workflows.environment import Environment, UnresolvedError
from syncflow_dagster.workflows.problems import Finding, Loc

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Values a file may hold once its aliases are followed; a bomb of aliases holds billions.
MAX_VALUES = 100_000
MAX_DEPTH = 50

_TEXT_TAG = "tag:yaml.org,2002:str"
_MERGE_TAG = "tag:yaml.org,2002:merge"
_COLLECTION_TAGS = frozenset({"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})
_KINDS = {
    "bool": "a true/false value",
    "int": "a whole number",
    "float": "a number",
    "null": "an empty value",
    "timestamp": "a date",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a part stands, counted from 1."""

    line: int
    column: int


@dataclass(slots=True)
class Document:
    """What a file says.

    Attributes:
        data: Plain data: dict, list, text, number, date, true/false, None.
        findings: Mistakes of the file itself: duplicate keys, values that cannot be read.
        unresolved: Parts whose value is unknown since a variable is not set.
    """

    data: Any = None
    findings: list[Finding] = field(default_factory=list)
    unresolved: set[Loc] = field(default_factory=set)
    _keys: dict[Loc, Place] = field(default_factory=dict)
    _values: dict[Loc, yaml.Node] = field(default_factory=dict)

    def has(self, loc: Loc) -> bool:
        """Whether the file has a part with this path."""
        return loc in self._values

    def keys(self, loc: Loc) -> list[str]:
        """Return the keys of the mapping at a path."""
        return [str(path[-1]) for path in self._keys if path[:-1] == loc]

    def place(self, loc: Loc, *, at_key: bool = False) -> Place:
        """Return where a part stands: its key for a plain value, else its start.

        A path that goes deeper than the file is cut to what is there.
        """
        while loc and loc not in self._values:
            loc = loc[:-1]
        node = self._values.get(loc)
        key = self._keys.get(loc)
        if key is not None and (at_key or isinstance(node, yaml.ScalarNode)):
            return key
        return _place(node.start_mark) if node is not None else Place(1, 1)

    def written(self, loc: Loc) -> str | None:
        """Return a plain value as the file has it, before any variable; None for anything else."""
        node = self._values.get(loc)
        return str(node.value) if isinstance(node, yaml.ScalarNode) else None

    def kind(self, loc: Loc) -> str:
        """Say in words what YAML takes a part for."""
        node = self._values.get(loc)
        if isinstance(node, yaml.MappingNode):
            return "a mapping"
        if isinstance(node, yaml.SequenceNode):
            return "a list"
        name = node.tag.rpartition(":")[2] if node is not None else ""
        return _KINDS.get(name, "a text")


class NotReadableError(ValueError):
    """The file is no YAML at all; the text says why.

    Attributes:
        place: Where reading ended.
        hint: What would be right.
    """

    def __init__(self, message: str, place: Place, hint: str = "") -> None:
        super().__init__(message)
        self.place = place
        self.hint = hint


def parse(text: str, environment: Environment) -> Document:
    """Read YAML text.

    Args:
        text: The whole file.
        environment: Fills `${NAME}`.

    Returns:
        The document; `data` is None for an empty file.

    Raises:
        NotReadableError: The text is no YAML, or a bomb.
    """
    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        if root is not None:
            _refuse_bombs(root)
    except yaml.MarkedYAMLError as error:
        raise _explain(error, text) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        column = error.position - (text.rfind("\n", 0, error.position) + 1) + 1
        message = f"the character U+{_code(error.character):04X} is not allowed in YAML"
        raise NotReadableError(message, Place(line, column), "remove it") from error
    except RecursionError as error:
        raise NotReadableError("the file is nested too deeply", Place(1, 1)) from error
    document = Document()
    if root is not None:
        document.data = _Builder(loader, environment, document).build(root, ())
    return document


def _code(character: Any) -> int:
    return ord(character) if isinstance(character, str) else int(character)


def _place(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1)


def _explain(error: yaml.MarkedYAMLError, text: str) -> NotReadableError:
    mark = error.problem_mark or error.context_mark
    place = _place(mark) if mark is not None else Place(1, 1)
    message = error.problem or error.context or "this is no YAML"
    lines = text.splitlines()
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    hint = "check indentation, quotes and brackets around here"
    if "\t" in line[: place.column]:
        hint = "indent with blanks, YAML allows no tab there"
    elif "another document" in message:
        hint = "one file holds one workflow; remove the '---' and what follows it"
    elif "mapping values are not allowed" in message:
        hint = "a text that holds ': ' needs quotes around it"
    elif "cannot start any token" in message:
        hint = "a text that begins with a special character needs quotes around it"
    return NotReadableError(f"the file is no valid YAML: {message}", place, hint)


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        yield from node.value
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key
            yield value


def _refuse_bombs(root: yaml.Node) -> None:
    sizes: dict[int, int] = {}
    above: set[int] = set()

    def size(node: yaml.Node) -> int:
        known = sizes.get(id(node))
        if known is not None:
            return known
        if id(node) in above:
            message = "an alias stands inside the very part it repeats"
            raise NotReadableError(message, _place(node.start_mark), "write the part out")
        if len(above) >= MAX_DEPTH:
            message = f"parts are nested more than {MAX_DEPTH} deep"
            raise NotReadableError(message, _place(node.start_mark), "a workflow needs few levels")
        above.add(id(node))
        total = 1 + sum(size(child) for child in _children(node))
        above.discard(id(node))
        sizes[id(node)] = total
        if total > MAX_VALUES:
            message = f"the file holds more than {MAX_VALUES:,} values, aliases included"
            raise NotReadableError(message, _place(node.start_mark), "a workflow needs far fewer")
        return total

    size(root)


class _Builder:
    """Turns nodes into data, noting places and mistakes in the document."""

    def __init__(
        self, loader: yaml.SafeLoader, environment: Environment, document: Document
    ) -> None:
        self._loader = loader
        self._environment = environment
        self._document = document

    def build(self, node: yaml.Node, loc: Loc) -> Any:
        """Return a node's data."""
        self._document._values[loc] = node  # noqa: SLF001 - the builder fills what it returns
        if not isinstance(node, yaml.ScalarNode) and node.tag not in _COLLECTION_TAGS:
            self._find(loc, f"the YAML tag {node.tag} is not supported", "remove the tag")
        if isinstance(node, yaml.SequenceNode):
            return [self.build(child, (*loc, index)) for index, child in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, loc)
        return self._scalar(node, loc)

    def _mapping(self, node: yaml.MappingNode, loc: Loc) -> dict[str, Any]:
        self._report_duplicates(node, loc)
        if any(key.tag == _MERGE_TAG for key, _ in node.value):
            try:
                self._loader.flatten_mapping(node)
            except ConstructorError as error:
                self._find(loc, f"'<<' cannot be merged: {error.problem}")
        result: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._find(loc, "a key must be a text", "give it a name in quotes")
                continue
            name = str(key.value)
            part = (*loc, name)
            self._document._keys[part] = _place(key.start_mark)  # noqa: SLF001
            result[name] = self.build(value, part)
            if key.tag not in {_TEXT_TAG, _MERGE_TAG}:
                kind = _KINDS.get(key.tag.rpartition(":")[2], "something else")
                message = f"YAML reads the key {name} as {kind}, not as a text"
                self._find(part, message, f'put it in quotes: "{name}"', at_key=True)
        return result

    def _report_duplicates(self, node: yaml.MappingNode, loc: Loc) -> None:
        first: dict[str, yaml.Node] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            name = str(key.value)
            if name in first:
                lines = f"{first[name].start_mark.line + 1} and {key.start_mark.line + 1}"
                message = f"the key {name!r} is given twice, in lines {lines}"
                part = (*loc, name)
                self._find(part, message, "only one can count: remove the other", at_key=True)
            first.setdefault(name, key)

    def _scalar(self, node: yaml.Node, loc: Loc) -> Any:
        if node.tag == _TEXT_TAG:
            return self._text(str(node.value), loc)
        try:
            return self._loader.construct_object(node)
        except (ConstructorError, ValueError, OverflowError):
            self._document.unresolved.add(loc)
            if "timestamp" in node.tag:
                self._find(loc, f"{node.value} is no date that exists", "write year-month-day")
            elif node.tag.startswith("tag:yaml.org,2002:") and ":python/" not in node.tag:
                self._find(loc, f"{node.value!r} cannot be read", "put it in quotes if it is text")
            else:
                self._find(loc, f"the YAML tag {node.tag} is not supported", "remove the tag")
            return None

    def _text(self, text: str, loc: Loc) -> str:
        try:
            return self._environment.substitute(text)
        except UnresolvedError as error:
            self._document.unresolved.add(loc)
            self._find(loc, str(error), error.hint)
            return text

    def _find(self, loc: Loc, message: str, hint: str = "", *, at_key: bool = False) -> None:
        self._document.findings.append(Finding(loc, message, hint, at_key))
