"""Requests over HTTP that are over after so many seconds, and what became of those that failed.

The time-out of `requests` is one for each read from the socket ("not a time limit on the entire
response download", requests.readthedocs.io, page "quickstart"): a server that sends a byte a second
would hold a request for an hour.
"""

from __future__ import annotations

import re
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
        self._watch = _Watch()
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **settings: Any) -> None:
        """Let connections make themselves known here."""
        super().init_poolmanager(*args, **settings)
        self.poolmanager.pool_classes_by_scheme = _pools(self._watch)

    def proxy_manager_for(self, *args: Any, **settings: Any) -> Any:
        """Let those through a proxy do so too."""
        manager = super().proxy_manager_for(*args, **settings)
        manager.pool_classes_by_scheme = _pools(self._watch)
        return manager

    def send(self, request: requests.PreparedRequest, *args: Any, **settings: Any) -> Any:
        """Send a request and read its answer, the body included.

        Raises:
            requests.exceptions.RequestException: There is no answer, or none in time.
        """
        over = self._watch.begin()
        if self._watch.ended:
            raise requests.exceptions.ConnectTimeout
        timer = threading.Timer(self._seconds, self._watch.cut, (over,))
        timer.daemon = True
        timer.start()
        # While there is no connection yet, there is nothing to cut.
        settings["timeout"] = settings.get("timeout") or self._seconds
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

    def cut(self) -> None:
        """End the request that is under way, as if its time were over, and all later ones.

        From any thread.
        """
        self._watch.ended = True
        self._watch.cut(self._watch.request)


class _Watch:
    """The sockets of a session, which outlive their connection.

    A connection lets go of its socket as soon as an answer has begun that ends with it.
    """

    def __init__(self) -> None:
        self.request = threading.Event()
        self.ended = False
        self._sockets: WeakSet[socket.socket] = WeakSet()

    def begin(self) -> threading.Event:
        """Begin a request; what is returned is set where it is cut."""
        self.request = threading.Event()
        return self.request

    def add(self, opened: socket.socket) -> None:
        self._sockets.add(opened)
        if self.request.is_set():
            _shut(opened)

    def cut(self, request: threading.Event) -> None:
        request.set()
        if request is self.request:
            for one in list(self._sockets):
                _shut(one)


def _shut(one: socket.socket) -> None:
    # Closing alone would not wake the thread that reads. What TLS adds to this would let it read
    # on as if there were no TLS.
    with suppress(OSError):
        socket.socket.shutdown(one, socket.SHUT_RDWR)


def _pools(watch: _Watch) -> dict[str, type[HTTPConnectionPool]]:
    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            opened = super()._new_conn()
            watch.add(opened)
            return opened

    class Secure(HTTPSConnection):
        _twin: socket.socket | None = None

        def _new_conn(self) -> socket.socket:
            opened = super()._new_conn()
            # The socket itself is of no use any more once TLS has begun.
            self._twin = opened.dup()
            watch.add(self._twin)
            return opened

        def connect(self) -> None:
            try:
                super().connect()
                # That of TLS within TLS has another one below it.
                watch.add(getattr(self.sock, "socket", self.sock))
            finally:
                if self._twin is not None:
                    self._twin.close()

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


#: What the text of an error holds where the connection was not made at all.
_UNCONNECTED = ("NewConnectionError", "NameResolutionError", "CERTIFICATE_VERIFY_FAILED")
#: Why a certificate is refused, or TLS fails; what follows may name the host.
_TLS_REASON = re.compile(r"\] (?:certificate verify failed: )?(\w[\w -]*)")


def never_left(error: BaseException) -> bool:
    """Tell whether a request that failed surely never left this machine."""
    return isinstance(error, requests.exceptions.ConnectTimeout) or (
        isinstance(error, requests.exceptions.ConnectionError)
        and any(one in repr(error) for one in _UNCONNECTED)
    )


def failure(error: BaseException) -> str:
    """Return what happened to a request that got no answer, and what to do; not its address."""
    text = repr(error)
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy lets nothing through: check HTTPS_PROXY and NO_PROXY, or the proxy"
    if "NameResolutionError" in text:
        return "the host's name is not known: check the url's spelling and this machine's DNS"
    if isinstance(error, requests.exceptions.SSLError):
        return _tls_failure(text)
    if "refused" in text:
        return "connection refused"
    return f"no answer ({type(error).__name__})"


def _tls_failure(text: str) -> str:
    found = _TLS_REASON.search(text)
    reason = found[1].strip() if found else "no reason"
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return (
            f"its certificate is not trusted ({reason}): check the url and this machine's clock; "
            "where a proxy opens TLS, name its certificate's file in REQUESTS_CA_BUNDLE"
        )
    return f"TLS fails ({reason}): check that host and port are those of https"
