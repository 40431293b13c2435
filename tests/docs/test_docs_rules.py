"""The rules of CONTRIBUTING.md that no linter holds."""

from __future__ import annotations

import ast
from functools import cache

import docs_pages
import pytest

PACKAGE = docs_pages.ROOT / "syncflow_dagster"
SHELL = {"definitions", "assets", "schedules", "sensors", "resources"}
TOOLS = {"cli", "commands", "demo", "supervisor", "testing"}
#: What a room below the tools may import of ours.
MAY_IMPORT = {
    "core": set(),
    "sandbox": set(),
    "store": {"core"},
    "workflows": {"core", "nodes.pull"},
    "ledger": {"core", "store", "testing.crash"},
    "nodes": {"core", "store", "ledger", "workflows", "testing.crash"},
}
_IO = {"os", "io", "pathlib", "socket", "subprocess", "psycopg", "requests", "sqlalchemy"}
_MOST_LINES = 400


@cache
def _modules():
    """Every module, its room, and what it imports: anywhere, and at its top."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found.append((path, room, list(_imports(ast.walk(tree))), list(_imports(tree.body))))
    return found


def _imports(nodes):
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module:
            # `from package import module` may name a module as well.
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def _ours(names):
    return {one.partition(".")[2] for one in names if one.startswith("syncflow_dagster.")}


def _within(name, allowed):
    return any(name == one or name.startswith(f"{one}.") for one in allowed)


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_a_room_imports_only_floors_below_it(room):
    allowed = MAY_IMPORT[room] | {room}
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path, its_room, names, _ in _modules()
        if its_room == room
        for name in sorted(_ours(names))
        if not _within(name, allowed)
    ]
    assert wrong == []


def test_the_shell_imports_neither_sandbox_nor_tools():
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path, room, names, _ in _modules()
        if room in SHELL
        for name in sorted(_ours(names))
        if _within(name, TOOLS | {"sandbox"})
    ]
    assert wrong == []


def test_only_the_shell_imports_dagster_and_tools_inside_functions():
    wrong = []
    for path, room, names, at_top in _modules():
        if room in SHELL:
            continue
        found = {name.partition(".")[0] for name in (at_top if room in TOOLS else names)}
        wrong += [f"{path.relative_to(PACKAGE)} imports {one}" for one in found if one == "dagster"]
    assert wrong == []


def test_the_core_does_no_io():
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path, room, names, _ in _modules()
        if room == "core"
        for name in names
        if name.partition(".")[0] in _IO
    ]
    assert wrong == []


def test_every_room_is_on_a_floor():
    rooms = {room for _, room, *_ in _modules()} - {"__init__"}
    assert rooms == SHELL | TOOLS | set(MAY_IMPORT)
    section = docs_pages.sections(docs_pages.ROOT / "CONTRIBUTING.md")["Rooms and floors"]
    floors = docs_pages.rows(section)
    assert {code for cells in floors for code in docs_pages.codes(cells[1])} == rooms
    assert f"{_MOST_LINES} lines" in section


def test_files_are_short_and_have_no_empty_names():
    paths = [*PACKAGE.rglob("*.py"), *(docs_pages.ROOT / "tests").rglob("*.py")]
    long = [path for path in paths if len(path.read_text().splitlines()) > _MOST_LINES]
    assert long == []
    assert [path for path in paths if path.stem in {"utils", "helpers", "util", "misc"}] == []
