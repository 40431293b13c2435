"""The page about the layers and the hashes, held to the code."""

from __future__ import annotations

import ast
import json

import docs_pages
import polars as pl

from syncflow_dagster.core import normalise
from syncflow_dagster.core.identity import hashing
from syncflow_dagster.core.identity.encoding import encode_row
from syncflow_dagster.workflows.models.delta import FieldRule

SECTIONS = docs_pages.sections(docs_pages.REFERENCE / "normalising.md")
PACKAGE = docs_pages.ROOT / "syncflow_dagster"
LAYERS = PACKAGE / "core" / "normalise"
#: Which argument of a call names the rule.
_RULE_OF = {"reject": 2, "Fault": 0, "attempt": 3, "read": 1}


def _rules_in_the_code():
    for path in [*LAYERS.glob("*.py"), PACKAGE / "nodes" / "delta" / "normalise.py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", None))
            if name in _RULE_OF and isinstance(node.args[_RULE_OF[name]], ast.Constant):
                yield node.args[_RULE_OF[name]].value


def test_the_rules_that_reject_are_those_of_the_code():
    listed = docs_pages.first_codes(SECTIONS["Rules that reject"])
    assert sorted(listed) == sorted(set(_rules_in_the_code()))


def test_the_layers_modules_and_keys_are_there():
    rows = docs_pages.rows(SECTIONS["The five layers"])
    assert len(rows) == 5
    for _, modules, _, keys in rows:
        assert all((LAYERS / f"{name}.py").is_file() for name in docs_pages.codes(modules))
        assert set(docs_pages.codes(keys)) <= set(FieldRule.model_fields)
    assert normalise.__doc__.startswith("Five layers")


def test_the_rows_have_the_bytes_and_hashes_that_are_shown():
    shown = [cells for cells in docs_pages.rows(SECTIONS["Hashes"]) if cells[0].startswith("`[")]
    assert len(shown) == 5
    for row, serialised, key in (map(str, docs_pages.codes(" ".join(cells))) for cells in shown):
        values = json.loads(row)
        assert encode_row(values).hex() == serialised
        frame = pl.DataFrame(
            [pl.Series(str(n), [each], dtype=pl.String) for n, each in enumerate(values)]
        )
        assert hashing.key_hashes(frame).tobytes().hex() == key


def test_the_sizes_of_hashes_are_those_of_the_code():
    sizes = [cells[-1] for cells in docs_pages.rows(SECTIONS["Hashes"]) if len(cells) == 4]
    assert sizes == [
        str(size) for size in (hashing.KEY_BYTES, hashing.DATA_BYTES, hashing.FIELD_BYTES, 16)
    ]
