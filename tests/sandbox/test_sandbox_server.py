"""Starting, stopping, seeding and controlling the sandbox."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from contextlib import closing

import pytest
import requests

from syncflow_dagster.sandbox.control import ControlClient, ControlError
from syncflow_dagster.sandbox.monday.seed import SeedError, parse_seed
from syncflow_dagster.sandbox.server import SandboxServer, read_seed, serve

COLUMN = {"id": "c", "title": "C", "type": "text"}


def board(**changes):
    return {"id": "1", "name": "B", "columns": [COLUMN], "groups": [{"id": "g", "title": "G"}]} | (
        changes
    )


def seed(**changes):
    return {"boards": [board(**changes)]}


def written(tmp_path, document, name="seed.json"):
    path = tmp_path / name
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def test_seed_file_with_items_and_subitems(tmp_path):
    path = written(
        tmp_path,
        seed(
            key_column="c",
            items=[
                {
                    "name": "one",
                    "column_values": {"c": "k1"},
                    "subitems": [{"name": "below", "column_values": {"s": "k2"}}],
                }
            ],
            subitems={
                "board_id": "2",
                "key_column": "s",
                "columns": [{"id": "s", "title": "S", "type": "text"}],
            },
        ),
    )
    with SandboxServer([path]) as server, closing(ControlClient(server.urls["control"])) as client:
        boards = {one["id"]: one for one in client.state()["boards"]}
        assert [item["key"] for item in boards["1"]["items"]] == ["k1"]
        below = boards["2"]["items"][0]
        assert (below["key"], below["parent_item_id"]) == ("k2", boards["1"]["items"][0]["id"])
        # What was there from the start is no write.
        assert client.log() == []


@pytest.mark.parametrize(
    ("document", "texts"),
    [
        ([], ["seed.json"]),
        ({"boards": [{"id": "1"}]}, ["board '1'", "name"]),
        (seed(columns=[COLUMN | {"type": "txt"}]), ["board 'B'", "column 'c'", "'txt'"]),
        (seed(columns=[COLUMN | {"labels": ["A"]}]), ["column 'c'", "labels"]),
        (seed(columns=[COLUMN, COLUMN]), ["board 'B'", "'c' is there twice"]),
        (seed(key_column="k"), ["board 'B'", "key_column 'k'"]),
        (seed(groups=[]), ["board 'B'", "groups"]),
        (seed(id="x1"), ["board 'B'", "id"]),
        (seed(colour="red"), ["board 'B'", "colour"]),
        (seed(items=[{"name": "i", "group": "h"}]), ["item 'i'", "'h'"]),
        (seed(items=[{"name": "i", "subitems": [{"name": "s"}]}]), ["item 'i'", "'subitems'"]),
        (
            seed(subitems={"board_id": "2", "key_column": "q", "columns": []}),
            ["board 'B'", "subitems", "key_column 'q'"],
        ),
        (
            seed(columns=[{"id": "s", "title": "S", "type": "status", "labels": ["A", "A"]}]),
            ["column 's'", "same label twice"],
        ),
    ],
)
def test_wrong_seeds_name_the_place(document, texts):
    with pytest.raises(SeedError) as refused:
        parse_seed(document, "seed.json")
    for text in ["seed.json: ", *texts]:
        assert text in str(refused.value)


def test_every_mistake_is_named_at_once():
    document = seed(columns=[COLUMN | {"type": "a"}, {"id": "d", "title": "D", "type": "b"}])
    with pytest.raises(SeedError) as refused:
        parse_seed(document, "seed.json")
    assert len(str(refused.value).splitlines()) == 2


def test_seed_values_and_ids_are_checked(tmp_path):
    bad_value = written(tmp_path, seed(items=[{"name": "i", "column_values": {"c": 5}}]))
    with pytest.raises(SeedError, match=r"seed\.json: board 'B': .*'column_id': 'c'"):
        SandboxServer([bad_value])
    good = written(tmp_path, seed(), "good.json")
    with pytest.raises(SeedError, match="board id 1 is taken already"):
        SandboxServer([good, good])


def test_unreadable_seeds(tmp_path):
    with pytest.raises(SeedError, match=r"none\.json: cannot be read"):
        read_seed(tmp_path / "none.json")
    with pytest.raises(SeedError, match=r"seed\.json:2:1: not JSON"):
        read_seed(written(tmp_path, '{"boards":\n]}'))


def test_refused_seed_over_http_leaves_nothing(control):
    before = len(control.state()["boards"])
    with pytest.raises(ControlError, match="is not a column type"):
        control.seed(seed(id="71", columns=[COLUMN | {"type": "x"}]))
    bad_item = {"name": "i", "column_values": {"c": 5}}
    with pytest.raises(ControlError, match="text must be a string"):
        control.seed(seed(id="71", items=[bad_item]))
    assert len(control.state()["boards"]) == before


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "example.com", "::", ""])
def test_only_loopback(host):
    with pytest.raises(ValueError, match="loopback only"):
        SandboxServer(host=host)


def test_listens_on_loopback_only():
    with SandboxServer() as server:
        port = int(server.urls["monday"].rsplit(":", 1)[1].split("/")[0])
        name = socket.gethostbyname(socket.gethostname())
        if not name.startswith("127."):
            with (
                pytest.raises(OSError, match="refused"),
                closing(socket.create_connection((name, port), timeout=2)),
            ):
                pass
        assert server.urls["monday"].startswith("http://127.0.0.1:")


def test_stops_and_comes_back_on_its_ports():
    server = SandboxServer()
    with pytest.raises(RuntimeError, match="not running"):
        _ = server.urls
    with server:
        urls = server.urls
        with pytest.raises(RuntimeError, match="running already"):
            server.start()
        assert requests.get(urls["control"] + "/stats", timeout=5).ok
    with pytest.raises(requests.ConnectionError):
        requests.get(urls["control"] + "/stats", timeout=5)
    server.stop()
    with server:
        assert server.urls == urls
        assert requests.get(urls["control"] + "/stats", timeout=5).ok


def test_stops_while_down():
    with SandboxServer() as server, closing(ControlClient(server.urls["control"])) as client:
        client.faults(kind="down")


def test_a_taken_port_is_reported():
    with SandboxServer() as first:
        port = int(first.urls["control"].rsplit(":", 1)[1])
        with pytest.raises(OSError, match="in use"):
            SandboxServer(port=port).start()


def test_reset_returns_to_the_seed(monday, control, clock):
    before = control.state()
    item = monday.create("x", status="Done")
    monday.data('mutation {create_group(board_id: 9000000001, group_name: "g") {id}}')
    monday.data("mutation ($i: ID!) {archive_item(item_id: $i) {id}}", i=item)
    control.faults(kind="stale_reads", lag_s=5)
    assert control.state() != before
    control.reset()
    assert control.state() == before
    assert control.log() == []
    assert control.list_faults() == []
    stats = control.stats()["monday"]
    assert (stats["requests"], stats["ops"], stats["budget_used"]) == (0, {}, {})
    assert control.log(after=0) == []
    assert monday.create("x")


def test_stats(monday, control):
    monday.create("one")
    monday.post("{version {value}}", token="wrong")
    stats = control.stats()["monday"]
    assert stats["requests"] == 2
    assert stats["statuses"] == {"200": 1, "401": 1}
    assert stats["ops"] == {"create_item": 1}
    used = stats["budget_used"]["sandbox-personal"]
    points = used["complexity"]["writes"]
    assert points == {
        "total": 30_001, "windows": 1, "peak": 30_001, "used": 30_001, "windows_s": 0.0,
    }  # fmt: skip
    assert (used["requests"], used["peak_in_flight"], used["in_flight"]) == (1, 1, 0)


@pytest.mark.parametrize(
    ("method", "path", "body", "text"),
    [
        ("GET", "/log?service=nope", None, "'nope' is not running here"),
        ("GET", "/log?service=monday&after=x", None, "'x' is not the number"),
        ("POST", "/clock", {"speed": 0}, "positive"),
        ("POST", "/clock", {"speed": True}, "positive"),
        ("POST", "/clock", {"pace": 1}, "speed"),
        ("POST", "/clock", [], "JSON object"),
        ("GET", "/state", None, "service"),
        ("POST", "/settings", {"service": "monday", "latency_s": -1}, "latency_s"),
        ("POST", "/settings", {"service": "monday", "speed": 1}, "speed"),
        ("POST", "/settings", {"service": "monday", "account_timezone": "Mars"}, "time zone"),
    ],
)
def test_wrong_control_requests_say_why(server, control, method, path, body, text):
    answer = requests.request(method, server.urls["control"] + path, json=body, timeout=5)
    assert answer.status_code == 400
    assert text in answer.json()["error"]


def test_log_as_json_lines(server, monday, control):
    monday.create("one")
    monday.create("two")
    answer = requests.get(
        server.urls["control"] + "/log", params={"service": "monday", "after": 1}, timeout=5
    )
    (line,) = answer.text.splitlines()
    entry = json.loads(line)
    assert list(entry) == ["seq", "at", "service", "op", "key", "remote_id", "payload"]
    assert (entry["seq"], entry["key"]) == (2, "two")


PROGRAM = (
    "import sys; from pathlib import Path; from syncflow_dagster.sandbox.server import serve; "
    "sys.exit(serve([Path(p) for p in sys.argv[1:]], json_output=True))"
)


@pytest.mark.process
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_announces_itself_and_ends_by_signal(tmp_path, number):
    path = written(tmp_path, seed())
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        urls = json.loads(process.stdout.readline())
        assert urls["tokens"]["monday"] == {
            "personal": "sandbox-personal",
            "app": "sandbox-app",
            "trial": "sandbox-trial",
        }
        assert urls["monday"].endswith("/v2")
        answer = requests.post(
            urls["monday"],
            json={"query": "{boards {id}}"},
            headers={"Authorization": "sandbox-app"},
            timeout=5,
        )
        assert answer.json()["data"] == {"boards": [{"id": "1"}]}
        process.send_signal(number)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_serve_tells_why_it_cannot_start(tmp_path, capsys):
    path = written(tmp_path, "{}")
    assert serve([path], json_output=True) == 2
    captured = capsys.readouterr()
    assert "seed.json: boards: Field required" in captured.err
    assert captured.out == ""
