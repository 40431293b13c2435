"""The sandbox's Unipile as tests use it: people who do nothing by themselves, and a driver."""

from __future__ import annotations

import requests

from syncflow_dagster.sandbox.unipile.seed import provider_id

#: People who do nothing of themselves: a test makes them act with `unipile.deed`.
SEED = {
    "accounts": [
        {"id": "acc_anna", "name": "Anna Berg", "tier": "premium"},
        {"id": "acc_bob", "name": "Bob Free", "tier": "free"},
        {"id": "acc_carla", "name": "Carla Diaz", "tier": "sales_navigator"},
    ],
    "members": [
        {
            "slug": f"person-{number}",
            "first_name": f"First{number}",
            "last_name": f"Last{number}",
            "headline": "Head of Data at Acme",
            "company": "Acme",
            "position": "Head of Data",
            "past": [("Initech", "Analyst")],
        }
        for number in range(40)
    ]
    + [
        {"slug": "zoë-müller-東京", "first_name": "Zoë", "last_name": "Müller"},
        {"slug": "open-olga", "first_name": "Olga", "last_name": "Open", "open_profile": True},
        {"slug": "shy-sam", "first_name": "Sam", "last_name": "Shy", "blocks": True},
        {"slug": "lost-lou", "first_name": "Lou", "last_name": "Lost", "locked": True},
        {"slug": "gone-gil", "first_name": "Gil", "last_name": "Gone", "reachable": False},
    ],
}


class Unipile:
    """The running sandbox: its addresses, its dial, its clock."""

    def __init__(self, server, control):
        self.server, self.control = server, control
        self.urls = server.urls
        self.url = server.urls["unipile"]
        self.token = server.urls["tokens"]["unipile"]["key"]
        self.clock = server.clock
        self.session = requests.Session()
        self.session.headers["X-API-KEY"] = self.token

    def send(self, method, path, **more):
        """A request as the service gets it, without the client under test."""
        return self.session.request(method, f"{self.url}/api/v1{path}", timeout=20, **more)

    def get(self, path, account="acc_anna", **query):
        """The decoded answer to a read for an account."""
        query = {"account_id": account} | query if account else query
        answer = self.send("GET", path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def invite(self, person="person-0", note=None, account="acc_anna"):
        """The answer to an invitation; `person` is a slug."""
        body = {"account_id": account, "provider_id": self.id(person), "message": note}
        return self.send("POST", "/users/invite", json={k: v for k, v in body.items() if v})

    def message(self, person="person-0", text="Hello", account="acc_anna", **more):
        """The answer to a message that starts or continues a chat."""
        fields = {"account_id": account, "attendees_ids": self.id(person), "text": text, **more}
        return self.send("POST", "/chats", files=_multipart(fields))

    def answer(self, chat_id, text="Hello", **more):
        """The answer to a message in a chat."""
        path = f"/chats/{chat_id}/messages"
        return self.send("POST", path, files=_multipart({"text": text, **more}))

    def advance(self, seconds=0.0, *, hours=0.0, days=0.0):
        """Let time pass, with all that happens in it; the time afterwards."""
        return self.control.advance(seconds + 3_600 * hours + 86_400 * days)

    def now(self):
        return self.clock.wall()

    def fault(self, kind, **more):
        return self.control.faults(service="unipile", kind=kind, **more)

    def hits(self):
        return sum(one["hits"] for one in self.control.list_faults())

    def settings(self, **more):
        self.control.settings(service="unipile", **more)

    def deed(self, op, account="acc_anna", person="person-0", **more):
        """Somebody does something on LinkedIn's own pages: see `sandbox.unipile.settings.Deed`."""
        self.settings(deeds=[{"op": op, "account": account, "person": person, **more}])

    def status(self, word, account="acc_anna"):
        """The account's session goes down (`CREDENTIALS`, `RESTRICTED`...) or up (`OK`)."""
        self.settings(deeds=[{"op": "status", "account": account, "text": word}])

    def log(self, *ops):
        """What was really sent, of some operations or of all."""
        return [one for one in self.control.log("unipile") if not ops or one["op"] in ops]

    def stats(self):
        return self.control.stats()["unipile"]

    @staticmethod
    def id(slug="person-0"):
        """The provider's id of a seeded member."""
        return provider_id(slug)


def _multipart(fields):
    return [(name, (None, value)) for name, value in fields.items()]


def refused(answer):
    """Status and type of a refusal, in the vendor's form."""
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["title"]
    return answer.status_code, body["type"].removeprefix("errors/")
