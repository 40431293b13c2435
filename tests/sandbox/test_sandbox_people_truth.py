"""The judge's view: what people did, what could be known when, and what a client did wrong."""

from __future__ import annotations

import http.server
import json
import threading
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import requests

from syncflow_dagster.sandbox.clock import ManualClock
from syncflow_dagster.sandbox.control import ControlClient, ControlError
from syncflow_dagster.sandbox.server import SandboxServer
from syncflow_dagster.sandbox.unipile.people import Cases
from syncflow_dagster.sandbox.unipile.truth_accounts import busiest
from syncflow_dagster.sandbox.unipile.truth_verdict import verdict

SEED = Path(__file__).parents[2] / "workflows/sandbox/linkedin_outreach.unipile.json"
DAY_S = 86_400.0


class Client:
    """The sandbox with the demo's seed, a client of its API, and a receiver of webhooks."""

    def __init__(self, server, control):
        self.control = control
        self.url = f"{server.urls['unipile']}/api/v1"
        [key] = server.urls["tokens"]["unipile"].values()
        self.session = requests.Session()
        self.session.headers["X-API-KEY"] = key
        self.told = []

    def send(self, method, path, **more):
        answer = self.session.request(method, self.url + path, timeout=10, **more)
        return answer.status_code, answer.json()

    def invite(self, account, person, note="Hello"):
        body = {"account_id": account, "provider_id": person, "message": note}
        return self.send("POST", "/users/invite", json=body)[1]

    def write(self, account, person, text):
        form = {"account_id": (None, account), "attendees_ids": (None, person)}
        return self.send("POST", "/chats", files={**form, "text": (None, text)})[1]

    def listen(self):
        told = self.told

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=receiver.serve_forever, args=(0.01,), daemon=True).start()
        for source in ("users", "messaging"):
            body = {"request_url": f"http://127.0.0.1:{receiver.server_port}/", "source": source}
            assert self.send("POST", "/webhooks", json=body)[0] == 201
        return receiver


@pytest.fixture(scope="module")
def client():
    clock = ManualClock()
    with (
        SandboxServer([SEED], clock=clock) as server,
        closing(ControlClient(server.urls["control"])) as control,
    ):
        yield Client(server, control)


def test_weeks_of_people_are_told_over_http_and_known_to_the_judge(client):
    control = client.control
    control.settings("unipile", webhook_delay_s=8 * 3_600, webhook_repeat=0.1)
    receiver = client.listen()
    before = control.state("unipile")["people"]
    assert [one["number"] for one in before.values()] == list(range(120))
    free = [name for name, one in before.items() if not one["invitations"]]
    free = [name for name in free if not before[name]["connections"]]
    for number, person in enumerate(free):
        told = client.invite(("acc-anna", "acc-ben")[number % 2], person)
        assert told["object"] == "UserInvitationSent"
    for _ in range(15):
        control.advance(DAY_S)
    half = control.state("unipile")["people"]
    for person in free:
        for one in half[person]["connections"]:
            assert client.write(one["account"], person, "Thanks!")["object"] == "ChatStarted"
    for _ in range(15):
        control.advance(DAY_S)
    receiver.shutdown()
    receiver.server_close()
    state = control.state("unipile")
    people = state["people"]
    accepted = [one for name, one in people.items() if name in free and one["accepted_at"]]
    assert 0.35 < len(accepted) / len(free) < 0.75
    for one in accepted:
        [link] = one["connections"]
        late = datetime.fromisoformat(link["webhook_at"]) - datetime.fromisoformat(link["at"])
        assert timedelta(0) <= late <= timedelta(hours=8)
        assert link["at"] == link["poll_from"] == one["detectable_at"]
        note = datetime.fromisoformat(link["note_at"]) - datetime.fromisoformat(link["at"])
        assert note < timedelta(seconds=5), "an accepted note is told at once"
        assert any(inv["outcome"] == "ACCEPTED" for inv in one["invitations"])
    related = [one["user_provider_id"] for one in client.told if one["event"] == "new_relation"]
    assert {name for name in free if people[name]["accepted_at"]} <= set(related)
    assert len(related) > len(set(related)), "some come twice"
    replied = [one for one in people.values() if one["first_reply_at"]]
    assert len(replied) > 5 and any(one["opted_out_at"] for one in people.values())
    inbound = {one["message_id"] for one in client.told if not one.get("is_sender", True)}
    known = {
        m["id"] for one in people.values() for m in one["messages"]
        if m["by"] == "person" and not m["before"]
    }  # fmt: skip
    assert inbound == known
    _check_accounts(state["accounts"], len(free), control)


def _check_accounts(accounts, invited, control):
    anna, ben, chiara = (accounts[name] for name in ("acc-anna", "acc-ben", "acc-chiara"))
    [day] = [one for one, spent in anna["per_day"].items() if "invites" in spent]
    assert anna["per_day"][day]["invites"] + ben["per_day"][day]["invites"] == invited
    assert anna["most_in_24h"]["invites"] == anna["per_day"][day]["invites"]
    assert chiara["per_day"] == {}
    assert chiara["relations"] > 130, "strangers come by all the time"
    logged = [one for one in control.log("unipile") if one["op"] == "invite"]
    assert len(logged) == invited


def test_the_verdict_names_what_a_client_did_wrong(client):
    control = client.control
    control.reset()
    people = control.state("unipile")["people"]
    quiet = [one for one, known in people.items() if not known["cases"]][:4]
    twice, chatty, gone, calm = quiet
    client.invite("acc-anna", twice)
    client.invite("acc-ben", twice)
    assert client.invite("acc-anna", twice)["type"] == "errors/already_invited_recently"
    deeds = [
        {"op": "connect", "account": "acc-anna", "person": one} for one in (chatty, gone, calm)
    ]
    control.settings("unipile", deeds=deeds)
    client.write("acc-anna", chatty, "Hi  there")
    client.write("acc-anna", chatty, "Hi there")
    control.advance(1)
    says = {"op": "message", "account": "acc-anna", "person": gone, "text": "Hello"}
    own = {"op": "owner_message", "account": "acc-anna", "person": calm, "text": "Me"}
    control.settings("unipile", deeds=[says, own])
    control.advance(1)
    client.write("acc-anna", gone, "Too late")
    client.write("acc-anna", calm, "Too late")
    client.invite("acc-ben", gone)
    client.send("GET", f"/users/{calm}", params={"account_id": "acc-anna"})
    state = control.state("unipile")
    found = {name: [one["person"] for one in cases] for name, cases in state["verdict"].items()}
    assert found == {
        "double_invites": [twice],
        "double_messages": [chatty],
        "sends_after_reply": [gone],
        "sends_after_opt_out": [],
        "sends_after_owner": [calm],
        "sends_after_word_elsewhere": [gone],
    }
    anna = state["accounts"]["acc-anna"]
    assert anna["refused"] == {"invite": {"already_invited_recently": 1}}
    assert anna["most_in_7d"] == {"invites": 1, "notes": 1, "messages": 4, "profile_reads": 1}


def test_a_relation_can_be_polled_once_its_account_is_up_again(client):
    control = client.control
    control.reset()
    calm = next(
        one for one, known in control.state("unipile")["people"].items() if not known["cases"]
    )
    down = {"op": "status", "account": "acc-ben", "text": "CREDENTIALS"}
    control.settings("unipile", deeds=[down])
    control.settings("unipile", deeds=[{"op": "connect", "account": "acc-ben", "person": calm}])
    control.advance(3_600)
    [link] = control.state("unipile")["people"][calm]["connections"]
    assert link["poll_from"] is link["detectable_at"] is None
    control.settings("unipile", deeds=[{**down, "text": "OK"}])
    state = control.state("unipile")
    [link] = state["people"][calm]["connections"]
    at, poll = (datetime.fromisoformat(link[name]) for name in ("at", "poll_from"))
    assert poll - at == timedelta(hours=1)
    [[begin, end]] = state["accounts"]["acc-ben"]["down"]
    assert datetime.fromisoformat(begin) == at and datetime.fromisoformat(end) == poll


def test_a_seed_with_wrong_people_is_refused(client):
    with pytest.raises(ControlError, match=r"people: cases\.left_handed"):
        client.control.seed({"people": {"cases": {"left_handed": 1.0}}}, service="unipile")
    with pytest.raises(ControlError, match="is there already"):
        client.control.seed({"people": {"count": 1}}, service="unipile")


def test_a_second_invitation_may_follow_one_that_was_declined_or_taken_back_long_ago():
    def known(*invitations):
        return {
            "messages": [], "first_reply_at": None, "opted_out_at": None,
            "invitations": [
                {"id": str(n), "account": "a", "by": by, "at": at, "ended_at": end, "outcome": out}
                for n, (by, at, end, out) in enumerate(invitations)
            ],
        }  # fmt: skip

    def doubles(*invitations):
        return [one["id"] for one in verdict({"p": known(*invitations)})["double_invites"]]

    again = ("api", "2026-03-01T00:00:00.000+00:00", None, "PENDING")
    taken_back = ("api", "2026-01-01T00:00:00.000+00:00")
    assert doubles((*taken_back, "2026-02-08T00:00:00.000+00:00", "WITHDRAWN"), again) == []
    assert doubles((*taken_back, "2026-02-09T00:00:00.000+00:00", "WITHDRAWN"), again) == ["1"]
    assert doubles((*taken_back, "2026-02-20T00:00:00.000+00:00", "IGNORED"), again) == []
    assert doubles((*taken_back, "2026-02-20T00:00:00.000+00:00", "ACCEPTED"), again) == ["1"]
    assert doubles(("owner", taken_back[1], None, "PENDING"), again) == ["1"]
    elsewhere = known(("owner", taken_back[1], None, "PENDING"), again)
    elsewhere["invitations"][0]["account"] = "b"
    assert verdict({"p": elsewhere})["double_invites"] == [], "no client can know that"
    assert doubles(("person", taken_back[1], None, "PENDING"), again) == []


def test_windows_are_open_at_their_start():
    start = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
    hours = [start + timedelta(hours=hour) for hour in (0, 1, 23, 24, 25, 60)]
    assert busiest(hours, timedelta(hours=24)) == 3
    assert busiest([*hours, start], timedelta(hours=24)) == 4
    assert busiest([], timedelta(hours=24)) == 0
    assert set(Cases.model_fields) >= {"namesake", "letters"}
