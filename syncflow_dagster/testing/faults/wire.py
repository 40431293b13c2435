"""The wire between a client and a sandbox, which can be slow, or torn."""

from __future__ import annotations

import socket
import struct
import threading
from functools import partial
from typing import TYPE_CHECKING, Literal, Self
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Callable

#: `drip`: the answer comes byte by byte, one a second. `reset_after`: the connection is reset when
#: the answer comes. `reset_before`: it is reset when the request comes, which goes no further.
Trouble = Literal["drip", "reset_after", "reset_before"]
_BYTES = 65_536
_MUTATION = b'"mutation '


class Wire:
    """Listens on loopback, and passes on what it gets; some mutations meet trouble.

    Args:
        url: Where the service answers.
        trouble: What they meet.
        nth: Every how many.
        times: How many in all.
        every_s: Seconds between two bytes of an answer that drips.
    """

    def __init__(
        self, url: str, trouble: Trouble, *, nth: int = 4, times: int = 3, every_s: float = 1.0
    ) -> None:
        self._there = urlsplit(url)
        self._trouble = trouble
        self._nth, self._times, self._every_s = nth, times, every_s
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._over = threading.Event()
        self._counting = threading.Lock()
        self._seen = 0
        #: Mutations that met trouble.
        self.hits = 0

    @property
    def url(self) -> str:
        """Where the service answers through this wire."""
        port = self._listener.getsockname()[1]
        return urlunsplit(("http", f"127.0.0.1:{port}", self._there.path, "", ""))

    def __enter__(self) -> Self:
        """Begin to listen."""
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        """Listen no more."""
        self._over.set()
        self._listener.close()

    def _start(self, work: Callable[[], None]) -> None:
        threading.Thread(target=work, daemon=True).start()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._start(partial(self._carry, client))

    def _carry(self, client: socket.socket) -> None:
        """Carry request after request of one connection; HTTP/1.1 sends none before its answer."""
        host, port = self._there.hostname or "", self._there.port or 80
        with client, socket.create_connection((host, port)) as server:
            try:
                while (request := _message(client)) and not self._over.is_set():
                    trouble = self._draw(request)
                    if trouble == "reset_before":
                        return _reset(client)
                    server.sendall(request)
                    answer = _message(server)
                    if trouble == "reset_after":
                        return _reset(client)
                    if trouble == "drip":
                        return self._drip(client, answer)
                    client.sendall(answer)
            except OSError:
                return None

    def _draw(self, request: bytes) -> Trouble | None:
        if _MUTATION not in request:
            return None
        with self._counting:
            self._seen += 1
            if self._seen % self._nth or self.hits >= self._times:
                return None
            self.hits += 1
        return self._trouble

    def _drip(self, client: socket.socket, answer: bytes) -> None:
        for byte in answer:
            client.sendall(bytes([byte]))
            if self._over.wait(self._every_s):
                return


def _message(source: socket.socket) -> bytes:
    """Read one message: head, and as much of a body as it says."""
    message = b""
    while b"\r\n\r\n" not in message:
        part = source.recv(_BYTES)
        if not part:
            return b""
        message += part
    head, _, body = message.partition(b"\r\n\r\n")
    lengths = [
        int(line.split(b":")[1])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length:")
    ]
    missing = (lengths[0] if lengths else 0) - len(body)
    while missing > 0:
        part = source.recv(_BYTES)
        if not part:
            return b""
        message += part
        missing -= len(part)
    return message


def _reset(client: socket.socket) -> None:
    # Lingering for no time at all makes the kernel send a reset in place of an end.
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
