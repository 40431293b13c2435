"""A pull node's rows as a delta reads them: from where the last read ended, or only changes."""

import sqlite3
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from syncflow_dagster.nodes.delta.errors import MissingColumn
from syncflow_dagster.nodes.pull.copy_text import CopyText
from syncflow_dagster.nodes.pull.ports import QueryFailedError
from syncflow_dagster.nodes.pull.read import open_rows, read_rows
from syncflow_dagster.nodes.pull.resume import Order
from syncflow_dagster.nodes.rows import Interval, Position, RowSource
from syncflow_dagster.workflows.loader import LoadedWorkflow
from syncflow_dagster.workflows.models import Workflow

TEMPLATE = """
select id, version, '{tag}' as tag from t where id <> {{ without }}
{% if resume_after is not none %} and id > {{ resume_after }}{% endif %}
{% if changed_since is not none %} and version > {{ changed_since }}{% endif %}
order by id
"""


@pytest.fixture
def pull(tmp_path):
    with sqlite3.connect(tmp_path / "t.db") as conn:
        conn.execute("create table t (id, version)")
        conn.executemany("insert into t values (?, ?)", [(i, 100 - i) for i in range(1, 11)])
    conn.close()

    def pull(template=TEMPLATE, parameters=None, url=f"sqlite:///{tmp_path / 't.db'}", **node):
        path = tmp_path / "t.sql.j2"
        path.write_text(template, encoding="utf-8")
        data = {
            "workflow": "w",
            "description": "d",
            "owner": "o",
            "connections": {"a": {"type": "sql", "url": url}, "b": {"type": "sql", "url": url}},
            "nodes": [
                {
                    "type": "pull",
                    "name": "p",
                    "description": "d",
                    "connection": "a",
                    "query": "t.sql.j2",
                    "parameters": {"without": 0},
                    "resume": "ID",
                    "batch_rows": 4,
                    **node,
                }
            ],
        }
        workflow = Workflow.model_validate(data)
        loaded = LoadedWorkflow(workflow, tmp_path / "w.yaml", {"p": path})
        return open_rows(loaded, workflow.pulls[0], parameters)

    return pull


def ids(rows, **position):
    return [
        (piece.batch.column("id").to_pylist(), piece.resume)
        for piece in rows.read(Position(**position))
    ]


def test_each_piece_says_where_to_read_on(pull):
    rows: RowSource = pull()
    assert ids(rows) == [([1, 2, 3, 4], 4), ([5, 6, 7, 8], 8), ([9, 10], 10)]
    assert ids(rows, after=4) == [([5, 6, 7, 8], 8), ([9, 10], 10)]
    assert ids(rows, after=8, changed_since=90) == [([9], 9)]
    assert ids(rows, changed_since=97) == [([1, 2], 2)]


def test_a_read_behind_the_last_row_keeps_its_place(pull):
    assert ids(pull(), after=10) == [([], 10)]
    assert ids(pull(), changed_since=1000) == [([], None)]


def test_without_a_resume_column_no_piece_can_be_read_on_behind(pull):
    template = "select id from t order by id desc"
    assert ids(pull(template, resume=None)) == [
        ([10, 9, 8, 7], None), ([6, 5, 4, 3], None), ([2, 1], None),
    ]  # fmt: skip


def test_changes_are_selected_where_the_template_asks_for_them(pull):
    assert pull().selects_changes
    assert not pull("select id from t order by id -- changed_since\n").selects_changes
    asked = "select id from t {% if changed_since is defined %}where 1 = 1{% endif %}"
    assert pull(asked).selects_changes


def test_parameters_of_a_read_count_before_the_files(pull):
    assert ids(pull(parameters={"without": 1}))[0] == ([2, 3, 4, 5], 5)


def test_the_fingerprint_is_that_of_what_is_read(pull):
    same = pull().fingerprint
    assert pull().fingerprint == same
    assert pull(batch_rows=3).fingerprint == same
    others = [
        pull(TEMPLATE.replace("tag", "tug")).fingerprint,
        pull(parameters={"without": 1}).fingerprint,
        pull(parameters={"without": "0"}).fingerprint,
        pull(parameters={"without": False}).fingerprint,
        pull(resume="version").fingerprint,
        pull(connection="b").fingerprint,
        pull(url="sqlite:///elsewhere.db").fingerprint,
    ]
    assert len({same, *others}) == 8


def test_the_fingerprint_knows_no_secret(pull):
    one, other, elsewhere = (
        pull(url=f"postgresql://{who}@{host}/erp?password=x").fingerprint
        for who, host in [("me:hunter2", "db"), ("you:hunter3", "db"), ("me:hunter2", "db2")]
    )
    assert one == other != elsewhere


ORDERED = "select {} as id from t order by {}"


@pytest.mark.parametrize(
    ("select", "order", "says"),
    [
        ("id / 2", "t.id", "has 1 behind 1"),
        ("id", "id desc", "has 9 behind 10"),
        ("case id when 5 then 4 else id end", "t.id", "has 4 behind 4"),
        ("case id when 6 then 3 else id end", "t.id", "has 3 behind 5"),
        ("nullif(id, 7)", "t.id", "holds NULL"),
        ("cast(id as text)", "t.id", "has '10' behind '9'"),
        ("id + 0.5", "id", "is double, not a whole number"),
    ],
)
def test_rows_out_of_order_are_refused(pull, select, order, says):
    with pytest.raises(QueryFailedError) as caught:
        ids(pull(ORDERED.format(select, order)))
    assert says in str(caught.value)
    assert "t.sql.j2" in str(caught.value)
    assert "the resume column 'ID'" in str(caught.value)


def test_a_template_that_does_not_leave_out_what_is_kept_is_refused(pull):
    template = "select id from t where id >= {{ resume_after }} order by id"
    with pytest.raises(QueryFailedError, match="gives 4 to a read that goes on behind 4"):
        ids(pull(template), after=4)


def test_a_place_of_another_kind_is_refused(pull):
    batch = next(pull().read(Position())).batch
    order = Order(pull().node, None, datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(QueryFailedError, match="gives 1 to a read that goes on behind datetime"):
        order.follow(batch)


@pytest.mark.parametrize(
    ("oid", "batches"),
    [
        (1082, ["2026-01-01\n", "2026-01-02\ninfinity\n"]),
        (1184, ["-infinity\n", "2026-01-02 00:00:00+00\n"]),
        (1114, ["2026-01-01 00:00:00\ninfinity\n"]),
        (1082, ["-infinity\n"]),
    ],
)
def test_a_resume_column_of_dates_holds_no_infinity(pull, oid, batches):
    copy = CopyText.of([SimpleNamespace(name="id", type_code=oid)])
    order = Order(pull().node, None, None)
    with pytest.raises(QueryFailedError, match=r"holds a date that is infinity.*leave those rows"):
        for rows in batches:
            order.follow(copy.batch(rows.encode()))


def test_a_resume_column_that_is_not_there_is_a_plain_error(pull):
    with pytest.raises(MissingColumn, match=r"node p: resume reads the column 'idd'.*nearest"):
        ids(pull(resume="idd"))


@pytest.mark.parametrize(
    ("column", "last"),
    [
        ("i::smallint", 3),
        ("i::numeric(10)", 3),
        ("'k' || i", "k3"),
        ("date '2026-01-01' + i", datetime(2026, 1, 4).date()),  # noqa: DTZ001
        ("timestamp '2026-01-01 00:00:00.000001' + i * interval '1 day'",
         datetime(2026, 1, 4, 0, 0, 0, 1)),  # noqa: DTZ001
        ("timestamptz '2026-01-01 00:00+05:30' + i * interval '1 day'",
         datetime(2026, 1, 3, 18, 30, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_every_type_with_an_order_can_be_read_on_by(pull, empty_database_url, column, last):
    template = (
        f"select {column} as id from generate_series(1, 5) i "
        f"{{% if resume_after is not none %}}where {column} > {{{{ resume_after }}}}{{% endif %}}"
        " order by id"
    )
    rows = pull(template, url=empty_database_url, batch_rows=3)
    (_, place), (end, _) = ids(rows)
    assert (place, type(place)) == (last, type(last))
    assert [found for found, _ in ids(rows, after=place)] == [end]


def test_read_rows_reads_all_of_them(pull):
    rows = pull()
    batches = read_rows(rows.loaded, rows.node, {"without": 10})
    assert [batch.num_rows for batch in batches] == [4, 4, 1]


def test_a_read_by_intervals_takes_what_is_later_than_its_start_up_to_its_end(pull):
    # SQLite has no times: texts, in the order of the instants.
    day = "'2026-11-0' || (id % 10) || ' 00:00:00+00:00'"
    rows = pull(
        f"select id from t where id < 10 and {day} <= {{{{ interval_end }}}}"
        f"{{% if interval_start is not none %}} and {day} > {{{{ interval_start }}}}{{% endif %}}"
        " order by id",
        parameters={},
    )
    assert rows.reads_intervals
    assert rows.asks_when
    third, fifth = (datetime(2026, 11, day, tzinfo=UTC) for day in (3, 5))
    assert ids(rows, interval=Interval(third, fifth)) == [([4, 5], 5)]
    assert ids(rows, interval=Interval(None, third)) == [([1, 2, 3], 3)]
    assert ids(rows, interval=Interval(fifth, fifth)) == [([], None)]
    assert len(ids(rows)) == 3
    due = pull("select id, {{ scheduled_for }} as due from t order by id")
    assert (due.reads_intervals, due.asks_when) == (False, True)
    assert not pull().asks_when
