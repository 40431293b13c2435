"""Who takes no more rows waits neither for requests under way nor for their further tries."""

from __future__ import annotations

import json
import socketserver
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from scripted import connection

from syncflow_dagster.nodes.salesforce.bulk_reading import read_pages
from syncflow_dagster.nodes.salesforce.client import SalesforceClient
from syncflow_dagster.nodes.salesforce.columns import Column
from syncflow_dagster.nodes.salesforce.reading import read_rest_pages

IDS = (Column("Id", "id"),)
FIRST = {"records": [{"Id": "1"}], "done": False, "nextRecordsUrl": "/services/data/x/silent"}
LIST = {
    "resultPages": [{"resultUrl": f"/services/data/x/{one}"} for one in ("csv", *5 * ["silent"])]
}


class Org(BaseHTTPRequestHandler):
    """Answers what comes first, and nothing after it; or that it has to be asked again."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path.endswith("silent") and self.server.again is None:
            self.server.under_way.release()
            self.server.over.wait(30)
            return
        status, kind, body = 200, "application/json", json.dumps(LIST).encode()
        if "/query?" in self.path:
            body = json.dumps(FIRST).encode()
        elif self.path.endswith("csv"):
            kind, body = "text/csv", b'"Id"\n"1"\n'
        elif self.path.endswith("silent"):
            status = 503
            self.server.under_way.release()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if status == 503:
            self.send_header("Retry-After", self.server.again)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(scope="module")
def org():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Org)
    server.daemon_threads = True
    server.over, server.again = threading.Event(), None
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.over.set()
    server.shutdown()
    socketserver.TCPServer.server_close(server)


@pytest.mark.parametrize("again", [None, "30"], ids=["in a request", "between two"])
@pytest.mark.parametrize("api", ["rest", "bulk"])
def test_closing_a_read_waits_for_no_request_and_no_further_try(org, api, again):
    org.under_way, org.again = threading.Semaphore(0), again
    client = SalesforceClient(connection(f"http://127.0.0.1:{org.server_port}", timeout_s=20))
    pages = (
        read_rest_pages(client, "SELECT Id FROM X", IDS)
        if api == "rest"
        else read_pages(client, "750A", IDS)
    )
    next(pages)
    for _ in range(1 if api == "rest" else 5):
        assert org.under_way.acquire(timeout=5)
    began = time.monotonic()
    pages.close()
    assert time.monotonic() - began < 2
    # The client itself goes on.
    assert client.get("query", {"q": "x"}).ok
    client.close()
