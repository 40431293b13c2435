"""What made-up people allow: each way to refuse, and each way not to know."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncflow_dagster.sandbox.salesforce.org import Record
    from syncflow_dagster.sandbox.salesforce.people_seed import Maker

# One contact in so many, for each of the cases below.
_ONE_IN = 50
_FLAGS = (
    "HasOptedOutProcessing",
    "HasOptedOutProfiling",
    "HasOptedOutSolicit",
    "HasOptedOutTracking",
    "ShouldForget",
)


class Consents:
    """Gives contacts their Individuals and consents.

    Every contact has an Individual that allows everything, but for one in fifty of each case:
    an opt-out field of the contact, a flag of the Individual, a consent that is withdrawn,
    expired or not yet valid, no Individual at all, or one that sharing hides. Which case a
    contact has stands in the truth, under `consent`.
    """

    def __init__(self, maker: Maker) -> None:
        self._maker = maker
        self._known: dict[str, str] = maker.truth.setdefault("consent", {})
        self._cases: dict[str, Callable[[Record, str], None]] = {
            **{
                name: self._field(name)
                for name in ("HasOptedOutOfEmail", "DoNotCall", "HasOptedOutOfFax")
            },
            **{name: self._flag(name) for name in _FLAGS},
            "email_opt_out": self._consent(PrivacyConsentStatus="OptOut"),
            "email_expired": self._consent(PrivacyConsentStatus="OptIn", days=(-60, -1)),
            "email_not_yet": self._consent(PrivacyConsentStatus="OptIn", days=(30, 60)),
            "no_individual": self._no_individual,
            "individual_hidden": self._hidden,
            "bounced": self._bounced,
        }

    def make(self, contacts: list[Record]) -> None:
        """Give all of these contacts theirs."""
        names = list(self._cases)
        for place, contact in enumerate(contacts):
            case = names[place % _ONE_IN] if place % _ONE_IN < len(names) else None
            individual = self._individual(contact)
            if case is not None:
                self._known[contact["Id"]] = case
                self._cases[case](contact, individual)

    def _individual(self, contact: Record) -> str:
        maker = self._maker
        names = {name: contact.get(name) for name in ("FirstName", "LastName")}
        made = maker.load("Individual", **names)
        self._change(contact, IndividualId=made["Id"])
        individual_id: str = made["Id"]
        return individual_id

    def _change(self, record: Record, **values: Any) -> None:
        # Before anybody has seen it, a seed's record may still be completed.
        record.update(values)

    def _field(self, name: str) -> Callable[[Record, str], None]:
        return lambda contact, _individual: self._change(contact, **{name: True})

    def _flag(self, name: str) -> Callable[[Record, str], None]:
        def refuse(_contact: Record, individual: str) -> None:
            table = self._maker.org.tables["Individual"]
            self._change(table.latest[individual], **{name: True})

        return refuse

    def _consent(
        self, *, days: tuple[int, int] = (-30, 365), **values: Any
    ) -> Callable[[Record, str], None]:
        def give(_contact: Record, individual: str) -> None:
            now = self._maker.org.now()
            self._maker.load(
                "ContactPointTypeConsent",
                Name="Email consent",
                PartyId=individual,
                ContactPointType="Email",
                EffectiveFrom=now + timedelta(days=days[0]),
                EffectiveTo=now + timedelta(days=days[1]),
                CaptureSource="Web form",
                **values,
            )

        return give

    def _no_individual(self, contact: Record, individual: str) -> None:
        self._change(contact, IndividualId=None)
        self._maker.org.tables["Individual"].purge(individual)

    def _hidden(self, _contact: Record, individual: str) -> None:
        self._maker.org.unshared.add(individual)

    def _bounced(self, contact: Record, _individual: str) -> None:
        bounced = self._maker.org.now() - timedelta(days=2)
        self._change(contact, EmailBouncedDate=bounced, IsEmailBounced=True)
