"""A request's time is over in each of its stages, and what went wrong says what to do."""

from __future__ import annotations

import re
import socket
import threading
import time

import pytest
import requests

from syncflow_dagster.nodes.transport import DeadlineAdapter, failure, never_left

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
TLS_RECORD = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03"


@pytest.fixture
def drip():
    """Serves one connection: a beginning, then byte after byte; or nothing at all."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def answer(begin):
        client, _ = listener.accept()
        with client:
            client.recv(65_536)
            try:
                while not over.is_set():
                    client.sendall(begin)
                    begin = begin and b"x"
                    over.wait(0.02)
            except OSError:
                pass

    def start(begin):
        threading.Thread(target=answer, args=(begin,), daemon=True).start()
        return f"127.0.0.1:{listener.getsockname()[1]}/"

    yield start
    over.set()
    listener.close()


@pytest.mark.parametrize(
    ("scheme", "begin"),
    [
        ("https", b""),
        ("https", TLS_RECORD),
        ("http", HEAD + b"Connection: close\r\nContent-Length: 9000\r\n\r\n"),
        ("http", HEAD + b"\r\n"),
    ],
    ids=["silent TLS", "slow TLS", "answer that closes", "answer without a length"],
)
def test_the_time_is_over_in_each_stage_of_a_request(drip, scheme, begin):
    ended = []

    def ask():
        with requests.Session() as session:
            session.mount(f"{scheme}://", DeadlineAdapter(0.12))
            with pytest.raises(requests.RequestException):
                session.get(f"{scheme}://{drip(begin)}", stream=True)
        ended.append(True)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(3)
    assert ended


def test_a_request_under_way_can_be_ended(drip):
    adapter = DeadlineAdapter(60)
    with requests.Session() as session:
        session.mount("http://", adapter)
        threading.Timer(0.06, adapter.cut).start()
        began = time.monotonic()
        with pytest.raises(requests.exceptions.ReadTimeout):
            session.get("http://" + drip(HEAD + b"\r\n"))
        assert time.monotonic() - began < 5


VERIFY = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: "


@pytest.mark.parametrize(
    ("error", "words", "unsent"),
    [
        (requests.exceptions.SSLError(VERIFY + "self-signed certificate (_ssl.c:1006)"),
         r"not trusted \(self-signed certificate\): .* REQUESTS_CA_BUNDLE", True),
        (requests.exceptions.SSLError(VERIFY + "Hostname mismatch, certificate is not for 'acme'"),
         r"not trusted \(Hostname mismatch\): check the url", True),
        (requests.exceptions.SSLError("[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c)"),
         r"TLS fails \(wrong version number\): check that host and port", False),
        (requests.ConnectionError('NameResolutionError("Failed to resolve acme")'),
         "name is not known: check the url's spelling", True),
        (requests.exceptions.ProxyError("Unable to connect to acme, NewConnectionError: refused"),
         "check HTTPS_PROXY", True),
        (requests.ConnectionError("NewConnectionError: acme: Connection refused"),
         "connection refused", True),
        (requests.ReadTimeout("acme"), r"no answer \(ReadTimeout\)", False),
    ],
)  # fmt: skip
def test_a_failure_says_what_to_do_and_not_the_address(error, words, unsent):
    assert re.search(words, failure(error))
    assert "acme" not in failure(error)
    assert never_left(error) is unsent
