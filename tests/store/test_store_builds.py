"""The folder of builds: one for each database, without what nobody goes on with."""

from __future__ import annotations

import os
import time

from syncflow_dagster.store.builds import builds_folder
from syncflow_dagster.store.database import Database

HOUR_S = 3600


def _build(folder, name, age_s):
    build = folder / name
    build.mkdir(parents=True)
    (build / "000000.records").write_text("records of a source")
    moment = time.time() - age_s
    for path in (build / "000000.records", build, folder):
        os.utime(path, (moment, moment))
    return build


def test_two_databases_do_not_share_a_folder(tmp_path, database_url, empty_database_url):
    with Database(database_url) as one, Database(empty_database_url) as other:
        folders = [builds_folder(tmp_path, database) for database in (one, other, one)]
    assert folders[0] == folders[2] != folders[1]
    assert {folder.parent for folder in folders} == {tmp_path / "deltas"}


def test_what_a_killed_build_left_is_kept_for_a_day(tmp_path, database):
    ours = builds_folder(tmp_path, database)
    young = _build(ours, "shop.orders.1_of_1", HOUR_S)
    old = _build(tmp_path / "deltas" / "gone", "shop.orders.1_of_1", 25 * HOUR_S)
    assert builds_folder(tmp_path, database) == ours
    assert young.exists()
    assert not old.exists()


def test_an_old_build_that_writes_still_is_kept(tmp_path, database):
    build = _build(builds_folder(tmp_path, database), "shop.orders.1_of_1", 25 * HOUR_S)
    (build / "000001.records").write_text("more")
    builds_folder(tmp_path, database)
    assert (build / "000000.records").exists()


def test_the_folder_of_a_database_that_is_gone_goes_once_it_is_empty(tmp_path, database):
    gone = tmp_path / "deltas" / "gone"
    gone.mkdir(parents=True)
    os.utime(gone, (0, 0))
    builds_folder(tmp_path, database)
    assert not gone.exists()
