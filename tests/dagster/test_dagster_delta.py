"""What a build of a delta node shows: how it read, how far it is, what it took up again."""

from __future__ import annotations

import itertools
import threading
from contextlib import suppress

import partition_cases as cases

from syncflow_dagster.assets.execute import execute_workflow
from syncflow_dagster.assets.names import asset_key
from syncflow_dagster.assets.progress import stage_teller
from syncflow_dagster.nodes.delta.report import Progress

VERSIONED = cases.WHOLE.replace(
    "key: [number]", "key: [number]\n    detection: {strategy: auto, rowversion: number}"
)
CHANGES = """
select number, buyer from orders
{% if changed_since is not none %} where number > {{ changed_since }}{% endif %}
order by number
"""


def _metadata(instance, loaded, name):
    event = instance.get_latest_materialization_event(asset_key(loaded.workflow, name))
    return event.asset_materialization.metadata


def test_it_says_how_rows_were_read_and_when_all_of_them_were(shop, instance):
    (shop.folder / "orders.sql.j2").write_text(CHANGES, encoding="utf-8")
    loaded = shop.load(VERSIONED)
    shown = []
    for _ in range(2):
        run = execute_workflow(loaded, instance, store=shop.store)
        assert run.success, run.error
        shown.append(_metadata(instance, loaded, "orders"))
    first, second = shown
    assert first["strategy"].value.startswith("sweep: all rows were read")
    assert second["strategy"].value.startswith("changes: only rows of a newer version")
    assert second["last_full_read"].value == first["last_full_read"].value
    assert second["rows_per_s"].value == 0
    assert "last_full_read" not in _metadata(instance, loaded, "customers")
    assert _metadata(instance, loaded, "customers")["strategy"].value.startswith("hash: ")
    assert {"migrated", "chunks_resumed", "seconds"} <= set(first)
    columns = [column.name for column in first["stages"].schema.columns]
    assert columns == ["stage", "rows", "seconds", "rows per s"]


def test_builds_leave_nothing_behind_in_the_home(shop, instance, tmp_path):
    assert execute_workflow(shop.load(cases.WHOLE), instance, store=shop.store).success
    assert not [path for path in (tmp_path / "home" / "deltas").rglob("*") if path.is_file()]


def _told(*progress, seconds):
    lines = []
    moments = iter(seconds)
    tell = stage_teller(lines.append, clock=lambda: next(moments))
    for one in progress:
        tell(one)
    return lines


def test_progress_tells_what_is_done_with_rate_and_time_left():
    assert _told(
        Progress("identify", 40_000, 20_000.0, 1.0, 9_999.0),
        Progress("extract", 50_000, 25_000.0, 1.0, 80.0),
        Progress("extract", 60_000, 25_000.0, 1.0, 80.0),
        Progress("write_delta", 7, 3.5, 1.0, 9_999.0),
        seconds=[0.0, 2.0, 2.5, 4.0],
    ) == [
        "extract: 50,000 rows, 25,000 rows/s, about 1 min 20 s left",
        # The rows that are expected are the source's: nothing is known of the changes among them.
        "write_delta: 7 rows, 4 rows/s",
    ]


def test_threads_tell_one_after_the_other():
    met = []
    meeting = threading.Barrier(2)

    def log(_):
        """Notes whether another line is written meanwhile."""
        with suppress(threading.BrokenBarrierError):
            meeting.wait(timeout=0.2)
            met.append(True)

    tell = stage_teller(log, clock=itertools.count(0, 5).__next__)
    progress = Progress("extract", 1, 1.0, 1.0, None)
    threads = [threading.Thread(target=tell, args=[progress]) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert met == []
