"""A stand-in for SQL Server: it lets Microsoft's driver log in and answers every query alike.

So much of the protocol as the driver's own conversions need; nothing is parsed but the login:
https://learn.microsoft.com/openspecs/windows_protocols/ms-tds
"""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field

_BATCH, _RPC, _ATTENTION, _LOGIN, _PRELOGIN, _REPLY, _TRANSACTION = 1, 3, 6, 0x10, 0x12, 4, 14
_BEGIN, _ROLLBACK = 5, 8
COLLATION = b"\x09\x04\xd0\x00\x34"  # Latin1_General_CI_AS, code page 1252


@dataclass
class Server:
    """What it answers with, and what it was asked.

    Attributes:
        answer: Tokens for a query.
        login: Tokens for a login.
        cut_after: Hang up after so many bytes of an answer.
        asked: Bodies of the queries, of `select` ones only.
        closed: Set when a connection was closed.
        transactions: What was begun (5) and rolled back (8).
        snapshot: What `sys.databases` says of snapshots; 1: they are allowed.
        no_snapshot: Tokens for a query in a snapshot, in place of the answer.
        levels: The isolation each transaction was begun with.
    """

    answer: bytes = b""
    login: bytes | None = None
    cut_after: int | None = None
    asked: list[bytes] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)
    transactions: list[int] = field(default_factory=list)
    snapshot: int = 0
    no_snapshot: bytes | None = None
    levels: list[str] = field(default_factory=list)
    _level: str = "read committed"

    def talk(self, connection: socket.socket) -> None:
        """Serve one connection until it is closed."""
        with connection:
            for kind, body in _messages(connection):
                reply = self._reply(kind, body)
                sent = _packets(reply)
                if self.cut_after is not None and self.asked:
                    connection.sendall(sent[: self.cut_after])
                    break
                connection.sendall(sent)
        self.closed.set()

    def _reply(self, kind: int, body: bytes) -> bytes:
        if kind == _PRELOGIN:
            return _prelogin()
        if kind == _LOGIN:
            return self.login or _welcome()
        if kind == _TRANSACTION:
            (asked,) = struct.unpack_from("<H", body, struct.unpack_from("<I", body)[0])
            self.transactions.append(asked)
            began = asked == _BEGIN
            self.levels += [self._level] * began
            mark = b"\x08" + bytes(7) + b"\x01"
            return (
                _changed(8 if began else 10, *((mark, b"\0") if began else (b"\0", mark))) + done()
            )
        if kind == _ATTENTION:
            return struct.pack("<BHHQ", 0xFD, 0x20, 0, 0)
        if kind == _BATCH and (level := _after(body, "set transaction isolation level ")):
            self._level = level
        if kind == _BATCH and _after(body, "select snapshot_isolation_state "):
            return result({"state": b"\x26\x01"}, [[bytes([1, self.snapshot])]])
        if kind in {_BATCH, _RPC} and "select".encode("utf-16le") in body:
            self.asked.append(body)
            if self._level == "snapshot" and self.no_snapshot is not None:
                return self.no_snapshot
            return self.answer + (b"\x79" + bytes(4) + done(token=0xFE) if kind == _RPC else b"")
        return done()


@contextmanager
def serving(server: Server):
    """Run it; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=server.talk, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def result(columns: dict[str, bytes], rows: list[list[bytes]]) -> bytes:
    """Return a result: type infos by name, and rows of values with their lengths."""
    described = b"".join(
        struct.pack("<IH", 0, 9) + kind + _short(name) for name, kind in columns.items()
    )
    sent = b"".join(b"\xd1" + b"".join(row) for row in rows)
    return b"\x81" + struct.pack("<H", len(columns)) + described + sent + done(len(rows))


def error(number: int, words: str, severity: int = 16) -> bytes:
    """Return an error of the server, and the end of the answer."""
    text = words.encode("utf-16le")
    body = struct.pack("<IBBH", number, 1, severity, len(words)) + text + _short("db") + _short("")
    body += struct.pack("<I", 1)
    return b"\xaa" + struct.pack("<H", len(body)) + body + struct.pack("<BHHQ", 0xFD, 2, 0, 0)


def done(rows: int | None = None, token: int = 0xFD) -> bytes:
    """Return the end of an answer."""
    return struct.pack("<BHHQ", token, 0 if rows is None else 0x10, 0xC1 if rows else 0, rows or 0)


def _after(body: bytes, words: str) -> str:
    """Return what follows words in the text of a batch; nothing where they do not stand in it."""
    return body.decode("utf-16le", "replace").partition(words)[2]


def _messages(connection: socket.socket):
    stream = connection.makefile("rb")
    body = b""
    while len(head := stream.read(8)) == 8:
        kind, last, length = struct.unpack(">BBH", head[:4])
        body += stream.read(length - 8)
        if last & 1:
            yield kind, body
            body = b""


def _packets(body: bytes, size: int = 4088) -> bytes:
    parts = [body[at : at + size] for at in range(0, len(body), size)] or [b""]
    return b"".join(
        struct.pack(">BBHHBB", _REPLY, part is parts[-1], len(part) + 8, 0, number % 256, 0) + part
        for number, part in enumerate(parts, start=1)
    )


def _prelogin() -> bytes:
    # Version 16, no encryption, no instance, no thread, no MARS.
    options = [
        (0, struct.pack(">BBHH", 16, 0, 1000, 0)),
        (1, b"\2"),
        (2, b"\0"),
        (3, b""),
        (4, b"\0"),
    ]
    at = 5 * len(options) + 1
    heads = b""
    for number, value in options:
        heads += struct.pack(">BHH", number, at, len(value))
        at += len(value)
    return heads + b"\xff" + b"".join(value for _, value in options)


def _welcome() -> bytes:
    name = b"\1" + struct.pack(">I", 0x74000004) + _short("Microsoft SQL Server") + b"\x10\0\3\xe8"
    return (
        _changed(1, _short("orders"), _short("master"))
        + _changed(7, b"\5" + COLLATION, b"\0")
        + b"\xad" + struct.pack("<H", len(name)) + name
        + _changed(4, _short("4096"), _short("4096"))
        + done()
    )  # fmt: skip


def _changed(kind: int, new: bytes, old: bytes) -> bytes:
    body = bytes([kind]) + new + old
    return b"\xe3" + struct.pack("<H", len(body)) + body


def _short(text: str) -> bytes:
    return bytes([len(text)]) + text.encode("utf-16le")
