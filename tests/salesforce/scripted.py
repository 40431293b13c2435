"""Answers given in a row, in place of an org, for tests of what is made of them."""

from __future__ import annotations

import json
from typing import Any

import requests
from requests.structures import CaseInsensitiveDict

from syncflow_dagster.nodes.salesforce.answers import Answer, ApiError
from syncflow_dagster.nodes.salesforce.client import SalesforceClient
from syncflow_dagster.workflows.models.salesforce import SalesforceConnection

URL = "https://acme.my.salesforce.com"
SECRET = "s3cret-of-the-app"


def connection(url=URL, auth=None, **more) -> SalesforceConnection:
    auth = auth or {"type": "session", "token": "session-token"}
    return SalesforceConnection(type="salesforce", url=url, auth=auth, **more)


def answer(body: Any = None, status: int = 200, **headers: str) -> Answer:
    return Answer(status, CaseInsensitiveDict(headers), body)


def error(code: str, status: int = 400, message: str = "", **headers: str) -> Answer:
    return Answer(status, CaseInsensitiveDict(headers), None, (ApiError(code, message),))


def response(status=200, body=None, text=None, content_type="application/json"):
    made = requests.Response()
    made.status_code = status
    made._content = (text if text is not None else json.dumps(body)).encode()
    made.headers["Content-Type"] = content_type
    made.url = URL
    return made


class Scripted(SalesforceClient):
    """A client whose answers are given; it keeps what was asked, and how long it waited."""

    def __init__(self, *answers, **more) -> None:
        super().__init__(connection(**more), wait=lambda seconds: self.waits.append(seconds))
        self.answers = list(answers)
        self.asked: list[tuple[str, str, Any]] = []
        self.waits: list[float] = []

    def request(self, method, path, *, params=None, body=None, headers=None, stop=None):
        self.asked.append((method, path, body if body is not None else dict(params or {})))
        found = self.answers.pop(0)
        return found(method, path, body) if callable(found) else found
