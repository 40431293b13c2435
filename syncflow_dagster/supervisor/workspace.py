"""Dagster's workspace file: each code location gets a code server of ours on a unix socket."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from syncflow_dagster.supervisor.processes import Service

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TARGETS = {
    "python_module": ("module_name", "-m"),
    "python_file": ("relative_path", "-f"),
}
_OPTIONS = {"attribute": "-a", "working_directory": "-d"}


class WorkspaceError(ValueError):
    """The workspace file cannot be used; the text says what would be right."""


@dataclass(frozen=True)
class Workspace:
    """What a workspace file asks for.

    Attributes:
        servers: Code servers to run.
        entries: ``load_from`` of the workspace file the daemon and the webserver read: every
            location as a gRPC server.
    """

    servers: tuple[Service, ...]
    entries: tuple[Mapping[str, Any], ...]

    def write(self, path: Path) -> None:
        """Write the workspace file for the daemon and the webserver."""
        path.write_text(yaml.safe_dump({"load_from": [dict(entry) for entry in self.entries]}))


def read_workspace(path: Path, sockets: Path) -> Workspace:
    """Read a workspace file and plan its code servers.

    Args:
        path: ``python_module``, ``python_file`` and ``grpc_server`` entries are understood:
            https://docs.dagster.io/deployment/code-locations/workspace-yaml
        sockets: The folder for the servers' sockets.

    Raises:
        WorkspaceError: The file is missing, or an entry is of another kind.
    """
    try:
        content = yaml.safe_load(path.read_text())
    except FileNotFoundError as error:
        msg = f"{path} does not exist: run from the project's folder, or name the file"
        raise WorkspaceError(msg) from error
    except yaml.YAMLError as error:
        msg = f"{path} is not YAML: {error}"
        raise WorkspaceError(msg) from error
    entries = content.get("load_from") if isinstance(content, dict) else None
    if not isinstance(entries, list) or not entries:
        msg = f"{path}: expected a list load_from, with an entry such as python_module: my.module"
        raise WorkspaceError(msg)
    servers: list[Service] = []
    written: list[Mapping[str, Any]] = []
    for number, entry in enumerate(entries):
        kind, target = _only_item(path, entry)
        if kind == "grpc_server":
            written.append(entry)
            continue
        socket = sockets / f"code-{number}.sock"
        name, server = _server(path, kind, target, socket)
        servers.append(server)
        written.append({"grpc_server": {"socket": str(socket), "location_name": name}})
    return Workspace(tuple(servers), tuple(written))


def _only_item(path: Path, entry: object) -> tuple[str, Any]:
    if isinstance(entry, dict) and len(entry) == 1:
        kind, target = next(iter(entry.items()))
        if kind in _TARGETS or kind == "grpc_server":
            return kind, target
    known = ", ".join([*_TARGETS, "grpc_server"])
    msg = f"{path}: the entry {entry!r} is not understood; each entry has one of: {known}"
    raise WorkspaceError(msg)


def _server(path: Path, kind: str, target: Any, socket: Path) -> tuple[str, Service]:
    main_key, flag = _TARGETS[kind]
    options: dict[str, Any] = {main_key: target} if isinstance(target, str) else dict(target)
    try:
        what = str(options[main_key])
    except KeyError:
        msg = f"{path}: {kind} needs {main_key}"
        raise WorkspaceError(msg) from None
    # The name Dagster itself would give: schedules keep their state under it, however started.
    name = str(options.get("location_name") or (Path(what).name if kind == "python_file" else what))
    if kind == "python_file":
        what = str(path.parent.absolute() / what)
    options.setdefault("working_directory", str(path.parent.absolute()))
    arguments = [flag, what, "--socket", str(socket), "--location-name", name]
    for key, option in _OPTIONS.items():
        if key in options:
            arguments += [option, str(options[key])]
    return name, Service(
        name=f"code server of {name}",
        argv=_command(arguments),
        ready=socket.exists,
        remove_first=socket,
    )


def _command(arguments: Sequence[str]) -> list[str]:
    start = [sys.executable, "-m", "dagster", "code-server", "start", *arguments]
    # The .env file beside the workspace; and runs in this Python, whatever PATH says.
    return [*start, "--inject-env-vars-from-instance", "--use-python-environment-entry-point"]
