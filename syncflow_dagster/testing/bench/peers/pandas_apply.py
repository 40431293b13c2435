"""The hand-made way: a Python function for each value and each row, and a merge of frames.

Five layers as they are usually written (types, texts, numbers, date-times, the mapping to fields),
each value going through all of them; a JSON text and its SHA-256 for each row; an outer merge with
the stored hashes. It is far too slow for all rows: a sample is measured and scaled, which its parts
allow, as they are linear. Writing the changes is left out, in its favour.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
import unicodedata
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Any

import pandas as pd

from syncflow_dagster.testing.bench import data

if TYPE_CHECKING:
    from syncflow_dagster.workflows.models.delta import FieldRule

_SAMPLE = 20_000


def sample_size(rows: int) -> int:
    """Return how many of `rows` rows are measured."""
    return min(rows, _SAMPLE)


def seconds(rows: int) -> tuple[float, data.Changes]:
    """Measure the sample.

    Returns:
        The seconds all rows would take, and the changes found in the sample.
    """
    size = sample_size(rows)
    state = _hashed(_frame(size, "stored"))
    read = _frame(size, "read")
    started = time.perf_counter()
    both = _hashed(read).merge(
        state, on="key", how="outer", suffixes=("", "_known"), indicator=True
    )
    updated = (both["_merge"] == "both") & (both["data"] != both["data_known"])
    found = data.Changes(
        inserted=int((both["_merge"] == "left_only").sum()),
        updated=int(updated.sum()),
        deleted=int((both["_merge"] == "right_only").sum()),
    )
    return (time.perf_counter() - started) * rows / size, found


def _frame(rows: int, version: data.Version) -> pd.DataFrame:
    frames: list[pd.DataFrame] = [raw.to_pandas() for raw, _ in data.generate(rows, version)]
    return pd.concat(frames)


def _hashed(frame: pd.DataFrame) -> pd.DataFrame:
    node = data.node()
    normal = pd.DataFrame(
        {rule.name: frame[rule.source_column].apply(_normal, rule=rule) for rule in node.fields}
    )
    keys = normal.apply(lambda row: _digest([row[name] for name in node.key]), axis=1)
    hashes = normal.apply(lambda row: _digest(row.to_dict()), axis=1)
    return pd.DataFrame({"key": keys, "data": hashes})


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, default=str).encode()).hexdigest()


def _normal(value: Any, rule: FieldRule) -> Any:
    for layer in (_typed, _text, _number, _moment, _mapped):
        value = layer(value, rule)
    return value


def _typed(value: Any, _rule: FieldRule) -> Any:
    if pd.isna(value):
        return None
    return value.item() if hasattr(value, "item") else value


def _text(value: Any, rule: FieldRule) -> Any:
    if not isinstance(value, str):
        return value
    text = unicodedata.normalize("NFC", value)
    if rule.whitespace == "collapse":
        text = re.sub(r"\s+", " ", text)
    return text.strip() or None


def _number(value: Any, rule: FieldRule) -> Any:
    if value is None or rule.type != "decimal":
        return value
    unit = Decimal(1).scaleb(-rule.scale)
    rounded = Decimal(str(value)).quantize(unit, rounding=ROUND_HALF_EVEN)
    return abs(rounded) if rounded.is_zero() else rounded


def _moment(value: Any, rule: FieldRule) -> Any:
    if value is None or rule.type != "datetime":
        return value
    moment = pd.Timestamp(value)
    if moment.tzinfo is None:
        moment = moment.tz_localize(rule.timezone)
    return moment.tz_convert("UTC")


def _mapped(value: Any, rule: FieldRule) -> Any:
    if value is None:
        return None
    match rule.type:
        case "integer":
            return int(value)
        case "boolean":
            return bool(value)
        case "date" | "datetime":
            return value.isoformat()
        case _:
            return str(value)
