"""The benchmark's rows: what a source gives, and the same rows normalised.

20 columns of mixed types, made from the row's number alone, so that they are the same each time
and the changes are known without comparing anything. Of the rows that are read again, 1 % are new
records, 1 % of the stored ones are gone, 2 % differ in a value and 5 % in looks only: letters with
combining accents, tabs, doubled blanks, padding, an empty text for NULL, NaN for NULL, minus zero
and floats with noise behind the last digit that counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl
import pyarrow as pa

from syncflow_dagster.nodes.rows import Piece
from syncflow_dagster.workflows.models.delta import DeltaNode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from syncflow_dagster.nodes.rows import Position

#: Which rows: those the state is made of, or those it is compared with.
Version = Literal["stored", "read"]

KEY = "order_number"
_BATCH = 50_000
_ZONE = "Europe/Berlin"
_SCALE = 4
# 7919 is prime, so each of a hundred rows in sequence has another fate.
_FATES, _STEP = 100, 7919
_REPLACED, _UPDATED = 0, (1, 2)
_NOISY: dict[Version, tuple[int, int]] = {"read": (3, 7), "stored": (8, 12)}

_CITIES = ("Zürich", "São Paulo", "Łódź", "Kraków", "Reykjavík", "New York")
_COLOURS = ("navy blue", "black", "off white", "moss green", "red")
_SIZES = ("XS", "S", "M", "L", "XL", "XXL")
_STATUSES = ("open", "in production", "shipped", "invoiced")

_TEXTS = (KEY, "customer_name", "style", "city", "status", "colour", "size", "note")
_DECIMALS = ("amount", "unit_price", "quantity", "discount")
_FLOATS = ("weight", "share")
_LOCAL_TIMES = ("ordered_at", "promised_at")


@dataclass(frozen=True)
class Changes:
    """How many records differ between the rows stored and the rows read."""

    inserted: int
    updated: int
    deleted: int

    @property
    def all(self) -> int:
        """All of them."""
        return self.inserted + self.updated + self.deleted


@dataclass(frozen=True)
class Files:
    """Arrow IPC files of one number of rows.

    Attributes:
        rows: Rows in each.
        raw: Rows as a source gives them.
        clean: The same rows normalised; empty where they were not asked for.
    """

    rows: int
    raw: dict[Version, Path]
    clean: dict[Version, Path]


def node(name: str = "bench") -> DeltaNode:
    """Return the delta node that reads the rows.

    Args:
        name: The node's name; its table is named after it.
    """
    fields: list[dict[str, object]] = [{"name": each} for each in _TEXTS]
    fields += [{"name": each, "type": "decimal", "scale": _SCALE} for each in _DECIMALS + _FLOATS]
    fields += [{"name": each, "type": "datetime", "timezone": _ZONE} for each in _LOCAL_TIMES]
    fields += [
        {"name": "changed_at", "type": "datetime"},
        {"name": "lines", "type": "integer"},
        {"name": "due", "type": "date"},
        {"name": "rush", "type": "boolean"},
    ]
    fields[0]["required"] = True
    return DeltaNode.model_validate(
        {
            "type": "delta",
            "name": name,
            "description": "Rows of the benchmark",
            "source": "generated",
            "entity": "order",
            "table": f"{name}_delta",
            "key": [KEY],
            "fields": fields,
        }
    )


def changes(rows: int) -> Changes:
    """Return the changes that `rows` rows hold, from how they are made."""
    whole, rest = divmod(rows, _FATES)
    left = np.arange(rest) * _STEP % _FATES
    replaced = whole + int(np.count_nonzero(left == _REPLACED))
    updated = whole * len(_UPDATED) + int(np.count_nonzero(np.isin(left, _UPDATED)))
    return Changes(inserted=replaced, updated=updated, deleted=replaced)


def generate(rows: int, version: Version) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Yield the rows in batches: as a source gives them, and the same normalised."""
    for start in range(0, rows, _BATCH):
        number = np.arange(start, min(start + _BATCH, rows))
        fate = pl.col("n") * _STEP % _FATES
        if version == "stored":
            # Nothing has happened to a record yet but that some look odd.
            fate = pl.when(fate <= max(_UPDATED)).then(_FATES).otherwise(fate)
        frame = pl.DataFrame({"n": number}).with_columns(fate=fate)
        clean = frame.select("fate", *_columns())
        noisy = pl.col("fate").is_between(*_NOISY[version])
        raw = clean.select(*_looks(noisy))
        yield _arrow(raw), _arrow(clean.drop("fate"))


def write(folder: Path, rows: int, *, clean: bool) -> Files:
    """Write both versions of the rows.

    Args:
        folder: Where the files go.
        rows: How many rows each has.
        clean: Whether the normalised rows are wanted too.
    """
    files = Files(rows, {}, {})
    for version in ("stored", "read"):
        files.raw[version] = folder / f"{version}.{rows}.raw.arrow"
        files.clean[version] = folder / f"{version}.{rows}.clean.arrow"
        tables = generate(rows, version)
        raw, normalised = next(tables)
        with (
            pa.ipc.new_file(str(files.raw[version]), raw.schema) as raw_file,
            pa.ipc.new_file(str(files.clean[version]), normalised.schema) as clean_file,
        ):
            while raw is not None:
                raw_file.write_table(raw)
                if clean:
                    clean_file.write_table(normalised)
                raw, normalised = next(tables, (None, None))
    return files


@dataclass(frozen=True)
class ArrowRows:
    """A file's rows as a source of a delta."""

    file: Path

    @property
    def fingerprint(self) -> str:
        """The file's name."""
        return str(self.file)

    @property
    def selects_changes(self) -> bool:
        """No: the file is read from its first row to its last."""
        return False

    def read(self, position: Position) -> Iterator[Piece]:  # noqa: ARG002 - the port's signature
        """Give the file's batches."""
        yield from map(Piece, read(self.file))


def read(file: Path) -> Iterator[pa.RecordBatch]:
    """Yield a file's batches; they are mapped, not copied."""
    with pa.memory_map(str(file)) as source:
        reader = pa.ipc.open_file(source)
        for number in range(reader.num_record_batches):
            yield reader.get_batch(number)


def _columns() -> Iterator[pl.Expr]:
    """Make the normalised columns."""
    n, fate = pl.col("n"), pl.col("fate")
    key = pl.format("SO-{}", n.cast(pl.String).str.zfill(10))
    yield pl.when(fate == _REPLACED).then(key + "-B").otherwise(key).alias(KEY)
    yield pl.format("Müller & Søn No. {} GmbH", _value(0) % 5000).alias("customer_name")
    yield pl.format("PL-{} / season {}", _value(1), _value(2) % 12).alias("style")
    yield _one_of(_CITIES, _value(3)).alias("city")
    status = _one_of(_STATUSES, _value(4))
    yield pl.when(fate == _UPDATED[0]).then(pl.lit("cancelled")).otherwise(status).alias("status")
    yield _one_of(_COLOURS, _value(5)).alias("colour")
    yield _one_of(_SIZES, _value(6)).alias("size")
    note = pl.format("deliver to gate {} before {} o'clock", _value(7), _value(8) % 24)
    yield pl.when(_value(9) % 4 > 0).then(note).alias("note")
    yield _decimal(_value(10) + (fate == _UPDATED[1]).cast(pl.Int64)).alias("amount")
    yield _decimal(_value(11)).alias("unit_price")
    yield _decimal(_value(12) % 1000 * 16).alias("quantity")
    yield _decimal(pl.when(_value(13) % 3 > 0).then(_value(13) % 160)).alias("discount")
    yield _decimal(_value(14) - 50_000).alias("weight")
    yield _decimal(pl.when(_value(15) % 5 > 0).then(_value(15) % 4)).alias("share")
    yield _time(_value(16)).alias("ordered_at")
    yield pl.when(_value(17) % 6 > 0).then(_time(_value(17))).alias("promised_at")
    yield (_value(18) * 7_919_000_000).cast(pl.Datetime("us", "UTC")).alias("changed_at")
    yield pl.when(_value(19) % 10 > 0).then(_value(19)).alias("lines")
    yield (_value(20) % 20_000).cast(pl.Int32).cast(pl.Date).alias("due")
    yield (_value(21) % 2 == 0).alias("rush")


def _looks(noisy: pl.Expr) -> Iterator[pl.Expr]:
    """Make of the normalised columns what a source gives."""

    def rewritten(name: str, odd: pl.Expr) -> pl.Expr:
        return pl.when(noisy).then(odd).otherwise(pl.col(name)).alias(name)

    yield rewritten(KEY, pl.format("{} ", KEY))
    yield rewritten("customer_name", pl.col("customer_name").str.normalize("NFD"))
    yield rewritten("style", pl.col("style").str.replace(" / ", "\t/  "))
    yield rewritten("city", pl.format("  {}", "city"))
    yield rewritten("status", pl.format("{}\u00a0", "status"))
    yield pl.col("colour", "size")
    yield rewritten("note", pl.col("note").fill_null(""))
    yield from map(pl.col, _DECIMALS)
    # The clean values are sixteenths, which doubles hold exactly.
    for name in _FLOATS:
        float_ = pl.col(name).cast(pl.Float64)
        odd = pl.when(float_ == 0).then(-0.0).otherwise(float_ + 1e-12).fill_null(float("nan"))
        yield pl.when(noisy).then(odd).otherwise(float_).alias(name)
    for name in _LOCAL_TIMES:
        yield pl.col(name).dt.convert_time_zone(_ZONE).dt.replace_time_zone(None)
    yield pl.col("changed_at", "lines", "due", "rush")


def _value(place: int) -> pl.Expr:
    """Make a number below 99,991 of a row's own, another for each place."""
    return pl.col("n") * (2 * place + 3) % 99_991


def _one_of(texts: tuple[str, ...], value: pl.Expr) -> pl.Expr:
    return (value % len(texts)).replace_strict(dict(enumerate(texts)), return_dtype=pl.String)


def _decimal(sixteenths: pl.Expr) -> pl.Expr:
    return (sixteenths / 16).cast(pl.Decimal(18, _SCALE))


def _time(value: pl.Expr) -> pl.Expr:
    """Make a moment in office hours, when no clock is ever changed."""
    day, second = value % 10_000, value % 36_000 + 7 * 3600
    return ((day * 86_400 + second) * 1_000_000).cast(pl.Datetime("us", "UTC"))


def _arrow(frame: pl.DataFrame) -> pa.Table:
    # What sources give has no string views.
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())
