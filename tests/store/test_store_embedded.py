"""The embedded server under real kills: no loss, no orphan, no stale lock."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from syncflow_dagster.store import location
from syncflow_dagster.store.clock import DatabaseClock
from syncflow_dagster.store.database import Database, retry_transient
from syncflow_dagster.store.embedded import (
    EmbeddedPostgres,
    EmbeddedServerError,
    StoreError,
    open_store,
)

pytestmark = pytest.mark.process

# A user of the server in a process of its own: writes a row, says so, waits.
_USER = """
import sys, time
from pathlib import Path
import psycopg
from syncflow_dagster.store.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
with psycopg.connect(server.start()) as conn:
    conn.execute("select pg_advisory_xact_lock(1)")  # "if not exists" does not survive a race
    conn.execute("create table if not exists kept (who text)")
    conn.execute("insert into kept values (%s)", [sys.argv[2]])
print(server.attached, flush=True)
sys.stdin.readline()
server.stop()
"""


@pytest.fixture(scope="module")
def seed(short_folder):
    """A home whose server has run once: copying it is quicker than beginning one."""
    with EmbeddedPostgres(short_folder / "seed"):
        pass
    return short_folder / "seed"


@pytest.fixture
def new_home(short_folder):
    """A home that is not there yet; fails the test when a process of it outlives the test."""
    folder = Path(tempfile.mkdtemp(prefix="h", dir=short_folder))
    folder.chmod(0o711)
    yield folder / "home"
    _until(lambda: _processes_of(folder) == [], seconds=5)
    shutil.rmtree(folder)


@pytest.fixture
def home(seed, new_home):
    """A home of the test's own whose server has run before."""
    subprocess.run(["cp", "-a", seed, new_home], check=True)
    return new_home


def _processes_of(folder: Path) -> list[str]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and any(
                str(folder) in part for part in process.cmdline()
            ):
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


def _until(condition, seconds=15.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


class _User:
    """Another process that uses the server of a home."""

    def __init__(self, home: Path, name: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _USER, str(home), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def attached(self) -> bool:
        return self.process.stdout.readline().strip() == "True"

    def leave(self) -> None:
        self.process.communicate("\n", timeout=30)
        assert self.process.returncode == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def _rows(url: str) -> set[str]:
    with psycopg.connect(url) as conn:
        return {row[0] for row in conn.execute("select who from kept")}


def _guardian(home: Path) -> psutil.Process:
    for process in psutil.process_iter():
        try:
            command = process.cmdline()
        except psutil.Error:
            continue
        if "syncflow_dagster.store.guardian" in command and str(home) in command[-1]:
            return process
    raise AssertionError("no guardian")


def test_restart_keeps_committed_rows_and_a_clean_stop_leaves_no_process(home):
    with EmbeddedPostgres(home) as server, psycopg.connect(server.url()) as conn:
        conn.execute("create table kept (who text)")
        conn.execute("insert into kept values ('first')")
    assert _processes_of(home) == []
    with EmbeddedPostgres(home) as server:
        assert _rows(server.url()) == {"first"}


def test_killed_server_comes_back_by_itself_with_its_rows(home):
    with EmbeddedPostgres(home) as server, Database(server.url()) as db:
        db.execute("create table kept (who text)")
        db.execute("insert into kept values ('committed')")
        for _ in range(3):
            killed = server.pid
            os.kill(killed, signal.SIGKILL)
            rows = retry_transient(lambda: db.fetch_all("select who from kept"), DatabaseClock(db))
            assert rows == [{"who": "committed"}]
            _until(lambda: server.pid not in (None, killed))  # noqa: B023


def test_killed_server_loses_only_the_open_transaction(home):
    with EmbeddedPostgres(home) as server:
        with psycopg.connect(server.url()) as conn:
            conn.execute("create table kept (who text)")
            conn.execute("insert into kept values ('committed')")
            conn.commit()
            conn.execute("insert into kept values ('open')")
            server.restart_immediately()
            with pytest.raises(psycopg.OperationalError):
                conn.execute("select 1")
        assert _rows(server.url()) == {"committed"}


def test_killed_only_user_takes_the_server_down_and_the_next_start_has_its_rows(home):
    user = _User(home, "killed")
    assert not user.attached()
    user.kill()
    _until(lambda: _processes_of(home) == [])
    with EmbeddedPostgres(home) as server:
        assert not server.attached
        assert _rows(server.url()) == {"killed"}


def test_start_right_after_the_kill_waits_for_the_shutdown(home):
    user = _User(home, "killed")
    user.attached()
    user.kill()
    with EmbeddedPostgres(home) as server:
        assert _rows(server.url()) == {"killed"}


def test_killed_starter_leaves_the_server_to_the_one_who_attached(home):
    starter = _User(home, "starter")
    assert not starter.attached()
    with EmbeddedPostgres(home) as server:
        assert server.attached
        before = server.pid
        starter.kill()
        time.sleep(0.5)  # several polls of the guardian
        assert server.pid == before
        assert _rows(server.url()) == {"starter"}


def test_starter_that_leaves_does_not_stop_the_server_of_another(home):
    server = EmbeddedPostgres(home)
    server.start()
    other = _User(home, "other")
    assert other.attached()
    url = server.url()
    server.stop()
    assert _rows(url) == {"other"}
    other.leave()
    assert _processes_of(home) == []


def test_killed_guardian_ends_the_server_and_a_survivor_brings_it_back(home):
    with EmbeddedPostgres(home) as server:
        with psycopg.connect(server.url()) as conn:
            conn.execute("create table kept (who text)")
            conn.execute("insert into kept values ('committed')")
        guardian = _guardian(home)
        guardian.kill()
        guardian.wait()
        server.ensure_running()
        assert _rows(server.url()) == {"committed"}
        _guardian(home).kill()  # and a stop right after still leaves nothing


def test_server_and_user_and_guardian_killed_together(home):
    user = _User(home, "killed")
    user.attached()
    guardian = _guardian(home)
    server = next(child for child in guardian.children() if child.name() == "postgres")
    for process in (guardian, server, user.process):
        process.send_signal(signal.SIGKILL)
    user.kill()
    with EmbeddedPostgres(home) as again:
        assert _rows(again.url()) == {"killed"}


def test_pid_file_that_names_an_innocent_process(home):
    with EmbeddedPostgres(home) as server:
        place = location.locate(home)
        account, data, socket = place.account, place.data, place.socket
        os.kill(_guardian(home).pid, signal.SIGSTOP)  # it must not repair what is prepared here
        victim = server.pid
        os.kill(victim, signal.SIGKILL)
        os.kill(_guardian(home).pid, signal.SIGKILL)
    _until(lambda: not psutil.pid_exists(victim))
    innocent = subprocess.Popen(
        ["sleep", "60"],
        user=None if account is None else account.uid,
        group=None if account is None else account.gid,
    )
    for file in (data / "postmaster.pid", socket / ".s.PGSQL.5432.lock"):
        lines = file.read_text().splitlines()
        file.write_text("\n".join([str(innocent.pid), *lines[1:]]) + "\n")
    try:
        with EmbeddedPostgres(home) as server:
            assert server.pid != innocent.pid
        assert innocent.poll() is None
    finally:
        innocent.kill()
        innocent.wait()


def test_two_processes_that_start_at_once_share_one_server(new_home):
    users = [_User(new_home, name) for name in ("one", "two", "three")]
    assert sorted(user.attached() for user in users) == [False, True, True]
    with EmbeddedPostgres(new_home) as server:
        assert _rows(server.url()) == {"one", "two", "three"}
    for user in users:
        user.leave()


def test_interrupted_initdb_leaves_nothing_that_looks_like_a_database(new_home):
    draft = new_home / "postgres" / "data.draft"
    draft.mkdir(parents=True)
    new_home.chmod(0o711)
    (draft / "PG_VERSION").write_text("18\n")
    with EmbeddedPostgres(new_home) as server:
        assert server.pid is not None


def test_long_path(new_home):
    deep = new_home.parent / ("d" * 100)
    deep.mkdir(mode=0o711)
    with EmbeddedPostgres(deep / "home") as server:
        socket = location.locate(deep / "home").socket
        assert not socket.is_relative_to(deep)
        with psycopg.connect(server.url()) as conn:
            assert conn.execute("select 1").fetchone() == (1,)
    shutil.rmtree(socket)


def test_server_that_cannot_start_shows_its_log(home):
    server = EmbeddedPostgres(home, settings={"shared_buffers": "nonsense"})
    with pytest.raises(EmbeddedServerError, match="shared_buffers"):
        server.start()


def test_environment_of_other_tools_changes_nothing_and_the_socket_is_closed(home, monkeypatch):
    monkeypatch.setenv("PGPORT", "9")
    monkeypatch.setenv("PGDATA", "/nowhere")
    with EmbeddedPostgres(home) as server, Database(server.url()) as db:
        assert db.fetch_one("select 1 as one") == {"one": 1}
        assert location.locate(home).socket.stat().st_mode & 0o077 == 0


def test_home_that_other_accounts_cannot_reach(new_home):
    closed = new_home.parent / "closed"
    closed.mkdir(mode=0o700)
    link = closed / "home" / "postgres"
    for _ in range(2):
        with EmbeddedPostgres(closed / "home") as server, psycopg.connect(server.url()) as conn:
            conn.execute("create table if not exists kept (who text)")
            conn.execute("insert into kept values ('one')")
    assert closed.stat().st_mode & 0o777 == 0o700
    with EmbeddedPostgres(closed / "home") as server, psycopg.connect(server.url()) as conn:
        assert conn.execute("select count(*) from kept").fetchone() == (2,)
    if link.is_symlink():  # we are root: the files are where the server's account can reach them
        shutil.rmtree(link.readlink())


def test_open_store_embedded_is_migrated(home):
    with open_store(home) as db:
        assert db.fetch_one("select count(*) > 0 as done from syncflow.migration") == {"done": True}


def test_open_store_takes_the_home_of_the_environment(home, monkeypatch):
    monkeypatch.setenv("SYNCFLOW_HOME", str(home))
    with open_store(migrate=False) as db:
        assert str(home) in db.url


def test_open_store_prefers_the_server_in_the_environment(
    empty_database_url, new_home, monkeypatch
):
    monkeypatch.setenv("SYNCFLOW_DATABASE_URL", empty_database_url)
    with open_store(new_home) as db:
        assert db.url == empty_database_url
    assert not new_home.exists()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://host/name", "must start with postgresql://"),
        ("postgresql://me:secret@127.0.0.1:9/name", r"cannot connect to .*me:\*\*\*@127.0.0.1"),
    ],
)
def test_open_store_says_what_is_wrong_with_the_url(url, words, new_home, monkeypatch):
    monkeypatch.setenv("SYNCFLOW_DATABASE_URL", url)
    with pytest.raises(StoreError, match=words), open_store(new_home):
        pass
