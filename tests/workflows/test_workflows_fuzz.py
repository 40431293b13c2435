"""Whatever a file holds: no exception, and every problem has a place inside the file."""

import copy
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncflow_dagster.workflows.loader import BrokenFile, load_file

EXAMPLE = Path(__file__).parent / "valid.yaml"
ENVIRON = {"ORDERS_DATABASE_URL": "sqlite:////o.db", "MONDAY_TOKEN": "tok"}
FEW = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))

SNIPPETS = st.sampled_from(
    [
        "", " ", "  ", "\t", ":", ": ", "-", "- ", "{", "}", "[", "]", "&a", "*a", "<<: ", "!!int ",
        "!x ", "|", ">", "'", '"', "#", "%", "@", "`", "? ", "---\n", "...\n", "\n", "\r", "\x00",
        "\u2028", "\ufeff", "null", "~", "no", "0o7", "1e400", ".nan", "2026-13-45", "12:30:45",
        "${", "${A}", "${MONDAY_TOKEN}", "{{", "é", "name", "type", "delta", "x" * 300,
    ]
)  # fmt: skip


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz") / "x.yaml"


def check(path, raw):
    path.write_bytes(raw)
    result = load_file(path, ENVIRON)
    if not isinstance(result, BrokenFile):
        return
    assert result.problems
    lines = raw.decode("utf-8", "replace").replace("\r", "\n").splitlines() or [""]
    for problem in result.problems:
        assert "\n" not in str(problem)
        assert problem.message
        if problem.path == path:
            # An unexpected end is reported on the line after the last.
            assert 1 <= problem.line <= len(lines) + 1
            assert problem.column >= 1


@FEW
@given(
    edits=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), SNIPPETS), min_size=1, max_size=6)
)
def test_texts_cut_and_mended_at_random(path, edits):
    text = EXAMPLE.read_text(encoding="utf-8")
    for share, length, snippet in edits:
        at = int(share * len(text))
        text = text[:at] + snippet + text[at + length :]
    check(path, text.encode())


@FEW
@given(raw=st.binary(max_size=300))
def test_any_bytes(path, raw):
    check(path, raw)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.dates()
    | st.datetimes()
    | st.binary(max_size=5)
    | st.text(max_size=20)
    | st.sampled_from(
        ["order_lines", "order_headers", "pull_lines", "size", "text", "monday", "${X}"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "name", "field", "column", "key", "policy", "node", "zzz"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=6,
)


def paths(part, at=()):
    yield at
    children = (
        part.items()
        if isinstance(part, dict)
        else enumerate(part)
        if isinstance(part, list)
        else ()
    )
    for key, child in children:
        yield from paths(child, (*at, key))


EXAMPLE_DATA = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
PATHS = [path for path in paths(EXAMPLE_DATA) if path]


@FEW
@given(
    changes=st.lists(
        st.tuples(st.sampled_from(PATHS), st.sampled_from(["set", "drop", "rename"]), VALUES),
        min_size=1,
        max_size=4,
    )
)
def test_values_replaced_dropped_and_renamed_at_random(path, changes):
    data = copy.deepcopy(EXAMPLE_DATA)
    for where, kind, value in changes:
        change(data, where, kind, value)
    check(
        path, yaml.safe_dump(data, allow_unicode=True, sort_keys=False).encode("utf-8", "replace")
    )


def change(data, where, kind, value):
    for key in where[:-1]:
        try:
            data = data[key]
        except (KeyError, IndexError, TypeError):
            return  # an earlier change took this part away
    last = where[-1]
    if isinstance(data, dict) and last in data:
        old = data.pop(last)
        if kind != "drop":
            data[last if kind == "set" else "renamed"] = value if kind == "set" else old
    elif isinstance(data, list) and isinstance(last, int) and last < len(data):
        if kind == "drop":
            del data[last]
        else:
            data[last] = value
