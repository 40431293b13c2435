"""What the tests of sources with a driver of their own share."""

import socket
from contextlib import contextmanager

from sqlalchemy import make_url


def failing(source, url, connecting=None, reading=None):
    """Return a source whose driver raises what it raises when things go wrong."""

    class Failing(source):
        def _connect(self):
            if connecting:
                raise connecting

        def _close(self, connection):
            pass

        def _batches(self, connection, query, batch_rows):
            raise reading
            yield

    return Failing(make_url(url))


@contextmanager
def closed_port():
    """Give a port of this machine nobody listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        yield free.getsockname()[1]
