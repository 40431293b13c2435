"""Files as a source: what CSV means here, which files are read, and how a read goes on."""

import gzip
import os
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncflow_dagster.nodes.pull import csv_files
from syncflow_dagster.nodes.pull.files import FileRows, bad_pattern
from syncflow_dagster.nodes.pull.ports import QueryFailedError, SourceUnavailableError
from syncflow_dagster.nodes.rows import Position
from syncflow_dagster.workflows.models import FilesConnection


@pytest.fixture
def put(tmp_path):
    """Write a file."""

    def put(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return put


@pytest.fixture
def rows(tmp_path):
    """Make the rows of a pattern."""

    def rows(pattern="*.csv", batch_rows=100, **options):
        connection = FilesConnection(type="files", folder=str(tmp_path), **options)
        return FileRows(connection, pattern, batch_rows)

    return rows


def read(rows, after=None):
    pieces = list(rows.read(Position(after)))
    return pa.Table.from_batches([piece.batch for piece in pieces]).to_pylist()


@pytest.mark.parametrize(
    ("content", "options", "found"),
    [
        ("a,b\n1,\n,2\n", {}, [("1", None), (None, "2")]),
        ('a,b\n"",x\n', {}, [("", "x")]),
        ('a,b\n"x\ny","say ""hi"""\n', {}, [("x\ny", 'say "hi"')]),
        ("a,b\r\n 1 ,2\r\n", {}, [(" 1 ", "2")]),
        ("\ufeffa,b\n1,2", {}, [("1", "2")]),
        ("a,b\n1,2\n\n3,4\n", {}, [("1", "2"), ("3", "4")]),
        ("a;b\n1,5;2\n", {"delimiter": ";"}, [("1,5", "2")]),
        ('a,b\n\\N,"\\N"\n', {"null_text": "\\N"}, [(None, "\\N")]),
        ("a,b\nNULL,\n", {"null_text": "NULL"}, [(None, "")]),
        ("a,b\n1,NaN\ntrue,2026-01-02\n", {}, [("1", "NaN"), ("true", "2026-01-02")]),
        ("a,b\n1.10,0123\n", {}, [("1.10", "0123")]),
        ("a,b\nZoë,€\n".encode("cp1252"), {"encoding": "cp1252"}, [("Zoë", "€")]),
        ("a,b\nZoë,😀\n".encode("utf-16"), {"encoding": "utf-16"}, [("Zoë", "😀")]),
        ("1,2\n3,4\n", {"header": False}, [("1", "2"), ("3", "4")]),
        ("a,b\n", {}, []),
    ],
)
def test_what_a_csv_file_says(put, rows, content, options, found):
    put("x.csv", content)
    (piece,) = rows(**options).read(Position())
    names = ["column_1", "column_2"] if options.get("header") is False else ["a", "b"]
    assert piece.batch.schema == pa.schema([(name, pa.string()) for name in names])
    assert [tuple(row.values()) for row in piece.batch.to_pylist()] == found


def test_packed_files_and_tabs(put, rows):
    put("x.csv.gz", gzip.compress(b"a,b\n1,2\n"))
    put("x.tsv", "a\tb\n1,5\t2\n")
    assert read(rows("*.csv.gz")) == [{"a": "1", "b": "2"}]
    assert read(rows("*.tsv")) == [{"a": "1,5", "b": "2"}]


@pytest.mark.parametrize(
    ("content", "fragment"),
    [
        ("a,b\n1,2\nsecret\n", "x.csv: row 3 has 1 values instead of 2"),
        ("a,b\n" + "1,2\n" * 100_000 + "1,2,secret\n", "x.csv: row 100002 has 3 values"),
        ('a,b\n"1\n2",3\nsecret\n', "x.csv: row 3 has 1 values"),
        (b"a,b\n1,2\n3,secret\xff\n", "x.csv: row 3, column 'b' is no utf-8 text; name the file's"),
        ('a,b\n1,"secret\n2,3\n', "x.csv: quotes are opened and never closed"),
        ('a,b\n1,2\n3,"secr', "x.csv: quotes are opened and never closed"),
        ("a,a\n1,2\n", "x.csv: the first row names 'a' more than once"),
        ("a,\n1,2\n", "x.csv: column 2 has no name in the first row"),
        ("", "x.csv is empty"),
        ("a,b", "x.csv is empty, or its first row does not end with a line break"),
        (f"a,b\n1,{'x' * 7_000_000}\n", "x.csv has a row of more than 3 MB, or open quotes"),
    ],
)
def test_what_is_wrong_is_told_by_file_and_row_and_without_values(put, rows, content, fragment):
    put("x.csv", content)
    with pytest.raises(QueryFailedError) as caught:
        read(rows())
    assert fragment in str(caught.value)
    assert "secret" not in str(caught.value)


def test_bytes_that_are_no_text_are_told_by_line(put, rows):
    put("x.csv", "a,b\nZoë,2\n".encode() + b"1,\x81\n")
    with pytest.raises(QueryFailedError, match=r"x\.csv: line 3 holds bytes that are no cp1252"):
        read(rows(encoding="cp1252"))


def test_a_stray_quote_is_part_of_its_value(put, rows):
    put("x.csv", 'a,b\n5" pipe,1\n')
    assert read(rows()) == [{"a": '5" pipe', "b": "1"}]


def test_a_file_that_is_cut_off_while_packed_is_worth_another_try(put, rows):
    put("x.csv.gz", gzip.compress(b"a,b\n" + os.urandom(50_000).hex().encode() + b",2\n")[:-20])
    with pytest.raises(SourceUnavailableError, match=r"x\.csv\.gz cannot be read: .*[Tt]runcated"):
        read(rows("*.csv.gz"))


def test_files_come_by_name_with_one_order_of_columns(put, rows):
    put("orders-2.csv", "b,a\n4,3\n")
    put("orders-10.csv", "a,b\n1,2\n")
    put("other.csv", "z\n9\n")
    assert read(rows("orders-*.csv")) == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]


@pytest.mark.parametrize(
    ("second", "fragment"),
    [
        ("a\n1\n", "2.csv has no column 'b', which 1.csv has"),
        ("a,b,c\n1,2,3\n", "2.csv has a column 'c', which 1.csv has not"),
    ],
)
def test_files_of_other_columns_are_refused_before_a_row_is_given(put, rows, second, fragment):
    put("1.csv", "a,b\n1,2\n")
    put("2.csv", second)
    pieces = rows().read(Position())
    with pytest.raises(QueryFailedError) as caught:
        next(pieces)
    assert fragment in str(caught.value)


def test_parquet_keeps_its_types_and_they_must_agree(tmp_path, rows):
    table = pa.table({"a": pa.array([1], pa.int32()), "d": [Decimal("1.10")]})
    pq.write_table(table, tmp_path / "1.parquet")
    (piece,) = rows("*.parquet").read(Position())
    assert piece.batch.schema == table.schema
    assert piece.batch.to_pylist() == table.to_pylist()
    pq.write_table(pa.table({"a": ["1"], "d": table["d"]}), tmp_path / "2.parquet")
    with pytest.raises(QueryFailedError, match=r"'a' of 2\.parquet is string, but int32 in 1"):
        read(rows("*.parquet"))


def test_a_broken_parquet_file_is_refused(put, rows):
    put("x.parquet", b"PAR1 and no more")
    with pytest.raises(QueryFailedError, match=r"x\.parquet is no Parquet file, or it is cut off"):
        read(rows("*.parquet"))


@pytest.mark.parametrize("batch_rows", [1, 3, 4, 100])
def test_a_read_goes_on_behind_any_piece(put, tmp_path, rows, batch_rows):
    for number in (1, 2, 3):
        lines = "".join(f"{number}{row}\n" for row in range(7))
        put(f"{number}.csv", f"a\n{lines}")
        pq.write_table(pa.table({"a": list(range(7))}), tmp_path / f"{number}.parquet")
    for pattern in ("*.csv", "*.parquet"):
        all_rows = rows(pattern, batch_rows)
        whole, pieces = read(all_rows), list(all_rows.read(Position()))
        assert all(0 < piece.batch.num_rows <= batch_rows for piece in pieces)
        done = 0
        for piece in pieces:
            done += piece.batch.num_rows
            # The marks do not depend on the size of the batches.
            assert read(rows(pattern, 2), piece.resume) == whole[done:]
    assert pieces[-1].resume == "3.parquet#000000007"


def test_a_read_cannot_go_on_in_a_file_that_is_gone(put, rows):
    put("1.csv", "a\n1\n")
    with pytest.raises(QueryFailedError, match=r"go on behind '0\.csv#000000001'"):
        read(rows(), "0.csv#000000001")


def test_the_fingerprint_is_that_of_the_files(put, rows):
    path = put("1.csv", "a\n1\n")
    os.utime(path, ns=(1, 1))
    first = rows().fingerprint
    assert first == rows(batch_rows=7).fingerprint
    assert first != rows(delimiter=";").fingerprint
    assert first != rows("1*.csv").fingerprint
    os.utime(path, ns=(1, 2))
    assert first != rows().fingerprint
    os.utime(path, ns=(1, 1))
    put("2.csv", "a\n1\n")
    assert first != rows().fingerprint
    assert not rows().selects_changes


def test_a_file_that_changes_while_it_is_read_is_worth_another_try(put, rows):
    path = put("1.csv", "a\n1\n2\n")
    pieces = rows(batch_rows=1).read(Position())
    next(pieces)
    path.write_text("a\n1\n2\n3\n")
    with pytest.raises(SourceUnavailableError, match=r"1\.csv was changed while it was read"):
        list(pieces)


def test_no_file_is_no_empty_table(tmp_path, rows):
    """Else a delta would take every record for deleted."""
    for asked in (lambda: read(rows()), lambda: rows().fingerprint):
        with pytest.raises(SourceUnavailableError, match=r"\*\.csv cannot be read: no file is"):
            asked()
    gone = FileRows(FilesConnection(type="files", folder=str(tmp_path / "x")), "*.csv", 1)
    with pytest.raises(SourceUnavailableError, match="there is no such folder"):
        read(gone)


def test_nothing_outside_the_folder_is_read(put, tmp_path):
    inner = tmp_path / "in"
    inner.mkdir()
    (inner / "x.csv").symlink_to(put("secret.csv", "a\n1\n"))
    rows = FileRows(FilesConnection(type="files", folder=str(inner)), "*.csv", 10)
    with pytest.raises(QueryFailedError, match=r"x\.csv in .* is a link that leads out"):
        read(rows)


@pytest.mark.parametrize(
    ("pattern", "fragment"),
    [
        ("../x.csv", "does not lie under the connection's folder"),
        ("a/../../x.csv", "does not lie under"),
        ("/etc/x.csv", "does not lie under"),
        ("x\0.csv", "does not lie under"),
        ("orders-*", "names no format; it must end with .csv, .csv.gz"),
        ("orders.csv*", "names no format"),
        ("orders.sql.j2", "names no format"),
        ("**.csv", "has a '**' that is no folder of its own"),
        ("a**/x.csv", "has a '**'"),
    ],
)
def test_patterns_that_are_refused(rows, pattern, fragment):
    assert fragment in bad_pattern(pattern)
    with pytest.raises(ValueError, match=r"names no format|does not lie|has a"):
        rows(pattern)


def test_folders_below_are_read_by_name(put, rows):
    put("b/1.csv", "a\n2\n")
    put("a/1.csv", "a\n1\n")
    assert read(rows("**/*.csv")) == read(rows("*/1.csv")) == [{"a": "1"}, {"a": "2"}]


def test_batch_rows_must_be_positive(rows):
    with pytest.raises(ValueError, match="at least 1"):
        rows(batch_rows=0)


TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\r\0") | st.sampled_from('",\n ')
)


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.tuples(st.none() | TEXTS, TEXTS), min_size=1, max_size=12),
    block=st.integers(40, 400),
    batch_rows=st.integers(1, 5),
)
def test_every_text_survives_any_cutting_into_blocks(tmp_path_factory, values, block, batch_rows):
    folder = tmp_path_factory.mktemp("csv")
    lines = [",".join("" if v is None else '"' + v.replace('"', '""') + '"' for v in row)
             for row in values]  # fmt: skip
    (folder / "x.csv").write_text("\n".join(["a,b", *lines, ""]), encoding="utf-8", newline="")
    longest = max(len(line.encode()) for line in lines)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_files, "_BLOCK_BYTES", block + longest)
        connection = FilesConnection(type="files", folder=str(folder))
        found = read(FileRows(connection, "x.csv", batch_rows))
    assert [tuple(row.values()) for row in found] == values
