"""A workspace file becomes code servers of ours, under the names Dagster itself would give."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import yaml

from syncflow_dagster.supervisor import stack
from syncflow_dagster.supervisor.workspace import WorkspaceError, read_workspace


@pytest.fixture
def write(tmp_path):
    def to_file(text: str) -> Path:
        path = tmp_path / "workspace.yaml"
        path.write_text(text)
        return path

    return to_file


def test_project_workspace_has_one_server():
    plan = read_workspace(Path(__file__).parents[2] / "workspace.yaml", Path("/sockets"))
    assert [dict(entry) for entry in plan.entries] == [
        {
            "grpc_server": {
                "socket": "/sockets/code-0.sock",
                "location_name": "syncflow_dagster.definitions",
            }
        }
    ]
    assert list(plan.servers[0].argv[5:7]) == ["-m", "syncflow_dagster.definitions"]


def test_entries_of_all_kinds(write, tmp_path):
    path = write(
        """
        load_from:
          - python_module: {module_name: one.two, location_name: mine, attribute: defs}
          - python_file: three.py
          - grpc_server: {host: elsewhere, port: 4000}
        """
    )
    plan = read_workspace(path, tmp_path)
    names = [entry["grpc_server"].get("location_name") for entry in plan.entries]
    assert names == ["mine", "three.py", None]
    assert plan.entries[2]["grpc_server"]["port"] == 4000
    first, second = (list(server.argv) for server in plan.servers)
    assert first[first.index("-a") + 1] == "defs"
    assert second[second.index("-f") + 1] == str(tmp_path / "three.py")
    assert second[second.index("-d") + 1] == str(tmp_path)


def test_server_is_ready_when_its_socket_is_there(write, tmp_path):
    server = read_workspace(write("load_from: [{python_module: one}]"), tmp_path).servers[0]
    assert not server.ready()
    server.remove_first.touch()
    assert server.ready()


def test_written_file_is_read_back(write, tmp_path):
    plan = read_workspace(write("load_from: [{python_module: one}]"), tmp_path)
    plan.write(tmp_path / "out.yaml")
    written = yaml.safe_load((tmp_path / "out.yaml").read_text())
    assert written["load_from"] == [dict(entry) for entry in plan.entries]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("load_from: [{python_packages: x}]", "'python_packages': 'x'.* is not understood"),
        ("load_from: [{python_module: {attribute: defs}}]", "python_module needs module_name"),
        ("load_from: []", "expected a list load_from"),
        ("[1, 2]", "expected a list load_from"),
        ("load_from: [", "is not YAML"),
    ],
)
def test_workspace_with_a_mistake(write, tmp_path, text, words):
    with pytest.raises(WorkspaceError, match=words):
        read_workspace(write(text), tmp_path)


def test_missing_workspace(tmp_path):
    with pytest.raises(WorkspaceError, match="does not exist"):
        read_workspace(tmp_path / "none.yaml", tmp_path)


def test_port_in_use_is_said_before_anything_starts(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(stack.SupervisorError, match=f"port {port} cannot be used.*--port"):
            stack.run(
                port=port,
                home=tmp_path / "home",
                extra_environment={},
                workspace=tmp_path / "workspace.yaml",
            )
    assert not (tmp_path / "home" / "postgres").exists()
