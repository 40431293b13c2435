"""HTTP below the application: cutting a connection, refusing connections."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from starlette.responses import Response
from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

_TRANSPORT_KEY = "syncflow.transport"


class CuttableProtocol(H11Protocol):
    """Uvicorn's own HTTP/1.1 protocol, which also shows its transport to the application."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Keep the transport in the state that uvicorn hands to each request."""
        self.app_state = {**self.app_state, _TRANSPORT_KEY: transport}
        super().connection_made(transport)


class CutConnection(Response):
    """No answer: the connection is closed under the client.

    Args:
        head: When given, this answer's head and half of its body are sent first, so that the
            client sees a broken body instead of a missing answer.
    """

    def __init__(self, head: Response | None = None) -> None:
        super().__init__()
        self._head = head

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Close the connection, then wait until the server has noticed."""
        if self._head is not None:
            start = {"status": self._head.status_code, "headers": self._head.raw_headers}
            await send({"type": "http.response.start", **start})
            half = bytes(self._head.body)[: len(self._head.body) // 2]
            await send({"type": "http.response.body", "body": half, "more_body": True})
        cast("asyncio.Transport", scope["state"][_TRANSPORT_KEY]).abort()
        while (await receive())["type"] != "http.disconnect":
            pass


def check_loopback(host: str) -> None:
    """Refuse to listen where other machines could connect.

    Raises:
        ValueError: `host` is not a loopback address.
    """
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        msg = f"the sandbox listens on loopback only (127.0.0.1), not on {host!r}"
        raise ValueError(msg)


def stays_here(url: str) -> bool:
    """Whether a URL is one of this machine; the sandbox asks no other."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        return parts.scheme in ("http", "https") and (
            host == "localhost" or ipaddress.ip_address(host).is_loopback
        )
    except ValueError:
        return False


def bind(host: str, port: int) -> socket.socket:
    """A socket bound to a loopback port, not listening yet; 0 takes a free port.

    Raises:
        OSError: The port is taken.
        ValueError: `host` is not a loopback address.
    """
    check_loopback(host)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's delay off only for sockets that name their protocol.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


class Listener:
    """One HTTP server on one port, which can refuse connections and come back.

    While it refuses, the port stays bound without listening: the kernel refuses every
    connection, and no other process can take the port.
    """

    def __init__(self, app: Any, host: str, port: int, *, dated: bool = True) -> None:
        self._host = host
        self._socket = bind(host, port)
        self.port: int = self._socket.getsockname()[1]
        self._config = Config(
            app,
            http=CuttableProtocol,
            ws="none",
            lifespan="off",
            date_header=dated,
            access_log=False,
            log_level="warning",
            timeout_keep_alive=60,
            timeout_graceful_shutdown=1,
        )
        self._server = Server(self._config)
        self._refusing = False
        self._returning: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """The server's address, without a path."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.port}"

    @property
    def started(self) -> bool:
        """Whether the server accepts connections for the first time."""
        return self._server.started

    async def serve(self) -> None:
        """Serve until `stop`."""
        await self._server.serve(sockets=[self._socket])

    def stop(self) -> None:
        """End `serve` soon. Safe to call from any thread."""
        self._server.should_exit = True

    def close(self) -> None:
        """Give the port back."""
        self._socket.close()

    def refuse(self) -> None:
        """Close every connection and refuse new ones. No effect when it does so already."""
        if self._refusing:
            return
        self._refusing = True
        for server in self._server.servers:
            server.close()
        self._socket.close()
        self._socket = bind(self._host, self.port)
        for connection in list(self._server.server_state.connections):
            cast("Any", connection).transport.abort()

    def accept_soon(self) -> None:
        """Take connections again, from a plain callback of the event loop."""
        self._returning = asyncio.get_running_loop().create_task(self.accept())

    async def settled(self) -> None:
        """Wait for a return that `accept_soon` has begun."""
        if self._returning is not None:
            await self._returning

    async def accept(self) -> None:
        """Take connections again. No effect when it does so already."""
        if not self._refusing:
            return
        self._refusing = False
        loop = asyncio.get_running_loop()
        state = self._server.server_state

        def protocol() -> asyncio.Protocol:
            return CuttableProtocol(
                config=self._config, server_state=state, app_state={}, _loop=loop
            )

        self._server.servers = [await loop.create_server(protocol, sock=self._socket)]
