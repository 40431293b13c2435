"""A MySQL or MariaDB server for tests, where the machine has one."""

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pymysql

#: Tables may be made and dropped in the database this URL names: `mysql://user:password@host/db`.
GIVEN_URL = os.environ.get("SYNCFLOW_TEST_MYSQL_URL")
_PLACES = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/libexec"])
_FAST = ("--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=64M",
         "--skip-log-bin", "--max-allowed-packet=64M", "--skip-networking")  # fmt: skip


def program():
    """Return the server's program, None if there is none."""
    for name in ("mariadbd", "mysqld"):
        found = shutil.which(name, path=_PLACES)
        if found:
            return Path(found)
    return None


@contextmanager
def server():
    """Run a server in a folder of its own; gives the URL of an empty database."""
    folder = Path(tempfile.mkdtemp(prefix="syncflow-mysql-"))
    data, socket = folder / "data", folder / "s"
    account = [] if os.geteuid() else ["--user=root"]
    try:
        _initialise(data, account)
        command = [program(), "--no-defaults", f"--datadir={data}", f"--socket={socket}"]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([*command, *account, *_FAST], stdout=log, stderr=log)
        try:
            _prepare(socket, process, folder / "log")
            yield f"mysql://reader:hunter2@localhost/orders?unix_socket={socket}"
        finally:
            process.terminate()
            process.wait(60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _initialise(data, account):
    maker = shutil.which("mariadb-install-db", path=_PLACES)
    if maker:
        command = [maker, "--no-defaults", f"--datadir={data}", "--skip-test-db",
                   "--auth-root-authentication-method=normal", *account]  # fmt: skip
    else:
        command = [program(), "--no-defaults", f"--datadir={data}", "--initialize-insecure",
                   *account]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)


def _prepare(socket, process, log):
    until = time.monotonic() + 60
    while True:
        try:
            root = pymysql.connect(unix_socket=str(socket), user="root", autocommit=True)
            break
        except pymysql.err.OperationalError:
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(log.read_text()) from None
            time.sleep(0.05)
    with root, root.cursor() as cursor:
        cursor.execute("create database orders character set utf8mb4")
        cursor.execute("create user reader@localhost identified by 'hunter2'")
        cursor.execute("grant all on orders.* to reader@localhost")
        cursor.execute("grant process on *.* to reader@localhost")
