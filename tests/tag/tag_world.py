"""A tag node against the sandbox's org, over HTTP; the org's log is the judge."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from tag_cases import PlanWorld, loaded, policy, row, workflow

from syncflow_dagster.ledger.delivery_report import DeliveryOptions
from syncflow_dagster.nodes.compliance.salesforce_gate import salesforce_gate
from syncflow_dagster.nodes.tag.run import TagOptions, TagRun
from syncflow_dagster.testing.clock import FakeClock

ENVIRON = {"SYNCFLOW_PRIVACY_KEY": "k" * 32}
PEOPLE = 8


def seed() -> dict[str, Any]:
    """Contacts who let everything be done, each with an Individual of her own."""
    return {
        "service": "salesforce",
        "records": {
            "Account": [{"key": "acme", "Name": "Acme"}],
            "Individual": [
                {"key": f"i{number}", "LastName": f"Person {number}"}
                for number in range(1, PEOPLE + 1)
            ],
            "Contact": [
                {
                    "key": f"c{number}",
                    "LastName": f"Person {number}",
                    "AccountId": "@acme",
                    "Email": f"p{number}@acme.example",
                    "IndividualId": f"@i{number}",
                }
                for number in range(1, PEOPLE + 1)
            ],
            "Topic": [{"key": "topic", "Name": "Champions"}],
            "Campaign": [{"key": "campaign", "Name": "Moved"}],
        },
    }


class TagWorld(PlanWorld):
    """A tag node, its rows, and the org."""

    def __init__(
        self, database: Any, server: Any, control: Any, folder: Any, rules: list[dict[str, Any]],
        *, approval: dict[str, Any] | None = None, **node: Any,
    ) -> None:  # fmt: skip
        self.control = control
        self.held = control.state("salesforce")["records"]
        tokens = server.urls["tokens"]["salesforce"]
        given = [_with_campaign(one, self.ids("Campaign")[0]) for one in rules]
        flow = workflow(given, server.urls["salesforce"], **node)
        auth = flow.connections["crm"].auth.model_copy(
            update={
                "client_id": _secret(tokens["client_id"]),
                "client_secret": _secret(tokens["client_secret"]),
            }
        )
        flow.connections["crm"] = flow.connections["crm"].model_copy(update={"auth": auth})
        kept = policy(**{"auto_up_to": 1_000, **(approval or {})})
        (folder / "policy.yaml").write_text(json.dumps(kept.model_dump(mode="json")))
        self.folder = folder
        super().__init__(database, FakeClock(), flow, kept)

    def ids(self, name: str) -> list[str]:
        return sorted(one["Id"] for one in self.held[name])

    @property
    def people(self) -> list[str]:
        return self.ids("Contact")

    def add_people(self, *places: int) -> None:
        """Write a row for each of these contacts."""
        self.add(*(row(place, contact_id=self.people[place]) for place in places))

    def gate(self, client, policy_now, tagged):
        return salesforce_gate(
            self.database, self.clock, client, policy_now, tagged, environ=ENVIRON
        )

    def run(self, **options: Any) -> TagRun:
        delivery = options.pop("delivery", DeliveryOptions(patience_s=2_000.0, longest_s=20_000.0))
        given = TagOptions("nightly", delivery=delivery, **{"run_id": "run-1", **options})
        made = TagRun(
            self.database, self.clock, loaded(self.workflow, self.folder), self.node, given,
            self.gate,
        )  # fmt: skip
        made.prepare()
        return made

    def go(self, **options: Any):
        """Plan and deliver."""
        run = self.run(**options)
        planned = run.plan()
        report = run.deliver()
        run.close()
        return planned, report

    def edit(self, name: str, record_id: str, **fields: Any) -> None:
        """Let somebody else change a record."""
        edit = {"op": "update", "object": name, "id": record_id, "fields": fields}
        self.control.settings(service="salesforce", edits=[edit])

    def log(self) -> list[dict[str, Any]]:
        return self.control.log("salesforce")

    def writes(self) -> Counter[tuple[str, str]]:
        """How often each contact was written to, by the op and object of the write."""
        return Counter((one["op"], one["key"]) for one in self.log())

    def shown(self, name: str) -> dict[str, dict[str, Any]]:
        """Records of an object as they are now, by Id; those in the bin left out."""
        found = self.control.state("salesforce")["records"][name]
        return {one["Id"]: one for one in found if not one.get("IsDeleted")}

    def dead(self) -> dict[str, str]:
        """Why effects are dead, by record."""
        return {
            one["payload"]["record_id"]: one["reason"]
            for one in self.effects()
            if one["state"] == "DEAD"
        }


def _with_campaign(rule: dict[str, Any], campaign: str) -> dict[str, Any]:
    tag = rule["tag"]
    return {**rule, "tag": {**tag, "campaign": campaign}} if tag["type"] == "campaign" else rule


def _secret(text: str) -> Any:
    from pydantic import SecretStr

    return SecretStr(text)
