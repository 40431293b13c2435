"""A request has so many seconds, however slowly its answer comes."""

from __future__ import annotations

import socket
import threading
import time

import pytest
from monday_world import workflow

from syncflow_dagster.nodes.monday.client import Answer, MondayClient, NoAnswer
from syncflow_dagster.nodes.transport import DeadlineAdapter

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
BODY = b'{"data": {"me": {"id": "1"}}}'
WHOLE = HEAD.replace(b"1000", str(len(BODY)).encode()) + BODY


@pytest.fixture
def serve():
    """Serves one answer, in so many parts, a moment apart."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def answer(parts):
        client, _ = listener.accept()
        with client:
            client.recv(65_536)
            for part in parts:
                if over.is_set():
                    return
                try:
                    client.sendall(part)
                except OSError:
                    return
                over.wait(0.02 if len(parts) > 1 else 0)

    def start(parts):
        threading.Thread(target=answer, args=(parts,), daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/v2"

    yield start
    over.set()
    listener.close()


def ask(url, timeout_s):
    client = MondayClient(workflow(url, monday={"timeout_s": timeout_s}).connections["monday"])
    try:
        return client.execute("query { me { id } }")
    finally:
        client.close()


@pytest.mark.parametrize("before", [b"", HEAD], ids=["head", "body"])
def test_an_answer_that_drips_is_no_answer_once_the_time_is_over(serve, before):
    drops = [bytes([one]) for one in HEAD + b" " * 900]
    began = time.monotonic()
    answer = ask(serve([before, *drops]), timeout_s=0.15)
    assert time.monotonic() - began < 2
    assert isinstance(answer, NoAnswer)
    assert answer.sent


def test_an_answer_in_time_is_one_and_nobody_waits_for_the_watch(serve):
    threads = threading.active_count()
    answer = ask(serve([WHOLE]), timeout_s=60)
    assert isinstance(answer, Answer)
    assert answer.data == {"me": {"id": "1"}}
    until = time.monotonic() + 5
    while threading.active_count() > threads and time.monotonic() < until:
        time.sleep(0.01)
    assert threading.active_count() <= threads


def test_connections_with_tls_are_watched_too():
    adapter = DeadlineAdapter(1)
    for manager in (adapter.poolmanager, adapter.proxy_manager_for("http://127.0.0.1:1")):
        pool = manager.connection_from_url("https://api.monday.com/v2")
        assert type(pool).__name__ == "SecurePool"
