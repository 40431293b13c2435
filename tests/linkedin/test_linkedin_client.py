"""The client against a server that is not Unipile: what never happens in the sandbox."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager

import pytest

from syncflow_dagster.nodes.linkedin.client import Answer, NoAnswer, ReadOnly, UnipileClient
from syncflow_dagster.workflows.models import UnipileConnection

KEY = "key-that-nobody-may-read"


def client(url, **more):
    settings = {"timeout_s": more.pop("timeout_s", 5)}
    connection = UnipileConnection(type="unipile", url=url, token=KEY, **settings)
    return UnipileClient(connection, **more)


@contextmanager
def server(*answers):
    """Answers each connection with the next bytes, or hangs up on None; gives what it was sent."""
    heard = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            for answer in answers:
                one, _ = listening.accept()
                with one:
                    data = b""
                    while b"\r\n\r\n" not in data:
                        data += one.recv(65_536)
                    heard.append(data.decode(errors="replace"))
                    for piece in answer or ():
                        if one.fileno() < 0 or not sent(one, piece):
                            break

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", heard


def sent(one, piece):
    if isinstance(piece, float):
        time.sleep(piece)
        return True
    try:
        one.sendall(piece)
    except OSError:
        return False
    return True


def reply(status, body, kind="application/json"):
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nConnection: close\r\n"
    return [f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()]


def test_a_path_s_steps_stay_what_they_are_and_the_key_goes_in_its_header():
    with server(reply(200, '{"a": 1, "unknown": {"x": []}}')) as (url, heard):
        answer = client(url + "/").get("users", "zoë/../ä?x", params={"account_id": "a&b"})
    assert answer == Answer(200, {"a": 1, "unknown": {"x": []}})
    line, *fields = heard[0].split("\r\n")
    assert line == "GET /api/v1/users/zo%C3%AB%2F..%2F%C3%A4%3Fx?account_id=a%26b HTTP/1.1"
    assert f"X-API-KEY: {KEY}" in fields
    with pytest.raises(ValueError, match="another resource"):
        client(url).get("users", "..")


def test_a_write_that_is_cut_off_is_sent_once_and_says_nothing_of_the_key():
    with server(None, reply(200, "{}")) as (url, heard):
        cut = client(url).post_json("users", "invite", body={"provider_id": "ACoA1"})
        assert len(heard) == 1
    assert isinstance(cut, NoAnswer)
    assert cut.sent
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
    refused = client(nobody).delete("users", "invite", "sent", "1")
    assert refused == NoAnswer("connection refused", sent=False)
    assert KEY not in f"{cut}{refused}"


def test_an_answer_that_drips_is_given_up_in_time():
    slow = [b"HTTP/1.1 200 X\r\nContent-Length: 1000\r\n\r\n", *[0.05, b"x"] * 40]
    with server(slow) as (url, _):
        began = time.monotonic()
        answer = client(url, timeout_s=0.4).get("users", "relations")
    assert isinstance(answer, NoAnswer)
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize(
    ("status", "body", "kind", "expected"),
    [
        (200, "<html>maintenance</html>", "text/html", Answer(200, None)),
        (502, "", "text/plain", Answer(502, None)),
        (200, "[1]", "application/json", Answer(200, None)),
    ],
)
def test_a_body_that_is_no_object_is_none(status, body, kind, expected):
    with server(reply(status, body, kind)) as (url, _):
        assert client(url).get("accounts") == expected


def test_the_body_s_own_status_counts_where_it_tells_of_an_error():
    body = '{"title": "T", "type": "errors/cannot_resend_yet", "status": 422}'
    with server(reply(200, body)) as (url, _):
        assert client(url).get("accounts").status == 422
    with server(reply(200, '{"object": "Chat", "status": 422}')) as (url, _):
        assert client(url).get("accounts").ok


def test_a_client_that_only_reads_opens_no_connection_to_write(monkeypatch):
    opened = []
    monkeypatch.setattr(socket.socket, "connect", lambda *_: opened.append(1))
    reader = client("http://127.0.0.1:9", read_only=True)
    for write in (
        lambda: reader.post_json("users", "invite", body={}),
        lambda: reader.post_form("chats", fields=[("text", "x")]),
        lambda: reader.delete("users", "invite", "sent", "1"),
    ):
        with pytest.raises(ReadOnly, match="dry run"):
            write()
    assert opened == []
