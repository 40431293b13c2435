"""Requests over HTTP that are over after so many seconds, and what became of those that failed.

The time-out of `requests` is one for each read from the socket ("not a time limit on the entire
response download", requests.readthedocs.io, page "quickstart"): a server that sends a byte a second
would hold a request for an hour.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Any
from weakref import WeakSet

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class DeadlineAdapter(HTTPAdapter):
    """Cuts the connection of a request that is not answered in full in time.

    For sessions that send one request at a time.

    Args:
        seconds: From the beginning of the request to the end of its answer.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._open: WeakSet[HTTPConnection] = WeakSet()
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **settings: Any) -> None:
        """Let connections make themselves known here."""
        super().init_poolmanager(*args, **settings)
        self.poolmanager.pool_classes_by_scheme = _pools(self._open)

    def proxy_manager_for(self, *args: Any, **settings: Any) -> Any:
        """Let those through a proxy do so too."""
        manager = super().proxy_manager_for(*args, **settings)
        manager.pool_classes_by_scheme = _pools(self._open)
        return manager

    def send(self, request: requests.PreparedRequest, *args: Any, **settings: Any) -> Any:
        """Send a request and read its answer, the body included.

        Raises:
            requests.exceptions.RequestException: There is no answer, or none in time.
        """
        over = threading.Event()
        timer = threading.Timer(self._seconds, self._cut, (over,))
        timer.daemon = True
        timer.start()
        try:
            response = super().send(request, *args, **settings)
            self.read_body(response)
        finally:
            timer.cancel()
        if over.is_set():
            # A body without a length ends where its connection is cut.
            raise requests.exceptions.ReadTimeout
        return response

    def read_body(self, response: requests.Response) -> None:
        """Read the answer's body, which is then kept."""
        response.content  # noqa: B018 - reads it

    def _cut(self, over: threading.Event) -> None:
        over.set()
        for connection in list(self._open):
            if connection.sock is not None:
                # Closing alone would not wake the thread that reads.
                with suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RDWR)


def _pools(opened: WeakSet[HTTPConnection]) -> dict[str, type[HTTPConnectionPool]]:
    class Plain(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            opened.add(self)

    class Secure(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            opened.add(self)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


def never_left(error: BaseException) -> bool:
    """Tell whether a request that failed surely never left this machine."""
    return isinstance(error, requests.exceptions.ConnectTimeout) or (
        isinstance(error, requests.exceptions.ConnectionError)
        and any(one in repr(error) for one in ("NewConnectionError", "NameResolutionError"))
    )


def failure(error: BaseException) -> str:
    """Return what happened to a request that got no answer, without its address."""
    return (
        "connection refused" if "refused" in str(error) else f"no answer ({type(error).__name__})"
    )
