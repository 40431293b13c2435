"""The people who are hard to tell apart; the table is in `people_seed`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.salesforce.people_names import (
    NICKNAMES,
    SPELLINGS,
    family_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncflow_dagster.sandbox.salesforce.org import Record
    from syncflow_dagster.sandbox.salesforce.people_seed import Maker

# Every case takes one contact in so many.
_ONE_IN = 100


def slug(name: str) -> str:
    """A company's name as a part of a host name."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def domain(account: Record) -> str:
    """Where an account's people have their e-mail."""
    return f"{slug(account['Name'])}.example"


def make(maker: Maker, contacts: int) -> list[Record]:
    """Make about so many contacts, the special cases first; the answer is all of them."""
    made: list[Record] = []
    for case, build in CASES.items():
        known = maker.truth.setdefault(case, [])
        for number in range(max(1, contacts // _ONE_IN)):
            if len(made) >= contacts:
                break
            records = build(maker, number)
            made += [one for one in records if one["Id"].startswith("003")]
            if case != "later":
                known.append([one["Id"] for one in records])
    while len(made) < contacts:
        made.append(maker.contact())
    return made


def _moved(maker: Maker, shared: Callable[[Record], Record]) -> list[Record]:
    """A former contact, and the new one of the same person elsewhere."""
    names = maker.name()
    former = maker.contact(names)
    account = maker.other_account(former["AccountId"])
    values = {
        "AccountId": account["Id"],
        "Email": f"m{maker.made}@{domain(account)}",
        "LinkedIn__c": None,
        "Phone": None,
        "MobilePhone": f"+1 666 {maker.made:07d}",
    }
    return [former, maker.contact(names, **(values | shared(former)))]


def _moved_phone(maker: Maker, _number: int) -> list[Record]:
    # The same number, written in another way.
    return _moved(
        maker,
        lambda former: {"MobilePhone": former["MobilePhone"].replace(" ", "-")},
    )


def _moved_linkedin(maker: Maker, _number: int) -> list[Record]:
    def shared(former: Record) -> Record:
        name = former["LinkedIn__c"].rpartition("/")[2]
        return {"LinkedIn__c": f"http://de.linkedin.com/in/{name.upper()}/?trk=profile"}

    return _moved(maker, shared)


def _moved_past_account(maker: Maker, _number: int) -> list[Record]:
    return _moved(maker, lambda former: {"Past_Account__c": former["AccountId"]})


def _later(maker: Maker, _number: int) -> list[Record]:
    """A contact whose record will be changed: the edits are in the truth."""
    contact = maker.contact()
    account = maker.other_account(contact["AccountId"])
    fields = {
        "AccountId": account["Id"],
        "Email": f"n{maker.made}@{domain(account)}",
        "Title": "VP Sales",
    }
    edit: dict[str, Any] = {
        "op": "update",
        "object": "Contact",
        "id": contact["Id"],
        "fields": fields,
    }
    maker.truth["later"].append(edit)
    return [contact]


def _namesake(maker: Maker, _number: int) -> list[Record]:
    names = maker.name()
    first = maker.contact(names)
    elsewhere = maker.other_account(first["AccountId"])
    email = f"x{maker.made}@{domain(elsewhere)}"
    return [first, maker.contact(names, AccountId=elsewhere["Id"], Email=email)]


def _crowd(maker: Maker, _number: int) -> list[Record]:
    names = maker.name()
    phone = f"+1 777 {maker.made:07d}"
    return [maker.contact(names, MobilePhone=phone) for _ in range(3)]


def _same_email(maker: Maker, _number: int) -> list[Record]:
    names = maker.name()
    first = maker.contact(names)
    # Addresses that an import wrote past the org's own lower-casing.
    return [first, maker.contact(names, Email=first["Email"].upper())]


def _mailbox(maker: Maker, _number: int) -> list[Record]:
    account = maker.account()
    email = f"info@{domain(account)}"
    return [maker.contact(AccountId=account["Id"], Email=email) for _ in range(2)]


def _nickname(maker: Maker, number: int) -> list[Record]:
    formal, short = NICKNAMES[number % len(NICKNAMES)]
    family = f"{family_name(number // len(NICKNAMES))}son"
    first = maker.contact((formal, family))
    elsewhere = maker.other_account(first["AccountId"])
    second = maker.contact(
        (short, family),
        AccountId=elsewhere["Id"],
        Email=f"k{maker.made}@{domain(elsewhere)}",
        LinkedIn__c=first["LinkedIn__c"],
    )
    return [first, second]


def _spelling(maker: Maker, number: int) -> list[Record]:
    one, other = SPELLINGS[number % len(SPELLINGS)]
    # Beyond the list the same spellings go with other family names.
    round_ = number // len(SPELLINGS)
    more = "" if round_ == 0 else f" {family_name(round_)}"
    first = maker.contact((one[0], one[1] + more))
    again = maker.contact(
        (other[0], other[1] + more),
        Email=f"s{maker.made}@{domain(maker.account())}",
        MobilePhone=first["MobilePhone"],
    )
    return [first, again]


def _lead(maker: Maker, _number: int) -> list[Record]:
    contact = maker.contact()
    lead = maker.load(
        "Lead",
        FirstName=contact["FirstName"],
        LastName=contact["LastName"],
        Company="Unknown",
        Email=contact["Email"],
        Status="Open - Not Contacted",
    )
    return [contact, lead]


def _merged(maker: Maker, _number: int) -> list[Record]:
    names = maker.name()
    master = maker.contact(names)
    gone = maker.contact(
        names,
        External_Id__c=None,
        IsDeleted=True,
        MasterRecordId=master["Id"],
        SystemModstamp=maker.org.now(),
    )
    return [master, gone]


CASES: dict[str, Callable[[Maker, int], list[Record]]] = {
    "moved_phone": _moved_phone,
    "moved_linkedin": _moved_linkedin,
    "moved_past_account": _moved_past_account,
    "later": _later,
    "namesake": _namesake,
    "crowd": _crowd,
    "same_email": _same_email,
    "mailbox": _mailbox,
    "nickname": _nickname,
    "spelling": _spelling,
    "lead": _lead,
    "merged": _merged,
}
