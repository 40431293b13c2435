"""The fake org's objects as a describe tells of them, and records to filter."""

from __future__ import annotations

import dataclasses
import random
from datetime import UTC, date, datetime

from syncflow_dagster.core.soql.check import Checker
from syncflow_dagster.core.soql.schema import FieldInfo, ObjectInfo
from syncflow_dagster.core.soql.tree import Condition, Group
from syncflow_dagster.sandbox.salesforce.ids import make_id
from syncflow_dagster.sandbox.salesforce.objects import standard_schema

NOW = datetime(2026, 5, 15, 10, 30, tzinfo=UTC)
_ONLY_HERE = {"defaulted_on_create", "digits"}
_SAME = [one.name for one in dataclasses.fields(FieldInfo) if one.name not in _ONLY_HERE]


def _told(given):
    fields = tuple(
        FieldInfo(**{name: getattr(one, name) for name in _SAME}) for one in given.fields.values()
    )
    return ObjectInfo(given.name, fields, given.label, given.key_prefix, given.custom)


class _Org:
    def __init__(self):
        self._objects = {one.name.lower(): _told(one) for one in standard_schema()}

    def object(self, name):
        return self._objects.get(name.lower())

    def names(self):
        return [one.name for one in self._objects.values()]


ORG = _Org()


def checked(tree, owner="Contact", *, incremental=False):
    """Checks conditions; returns what they mean and the mistakes."""
    checker = Checker(ORG.object(owner), ORG, incremental)
    return checker.where(tree), checker.mistakes


def condition(attribute, operator, value=None, *, null=False):
    return Condition(attribute, operator, value, null, ("where",))


def group(kind, *parts):
    return Group(kind, parts, ("where",))


TEXTS = ["Acme", "ACME", "O'Brien", r"back\slash", "100%", "under_score", "Zoë 🚀", 'say "hi"\n']
MOMENTS = [datetime(2026, 5, day, 10, 30, tzinfo=UTC) for day in (1, 14, 15, 16)]
DAYS = [date(2026, 5, 14), date(2026, 5, 15), date(2025, 12, 31), date(2024, 2, 29)]
TAGS = ["champion", "moved", "champion;moved", "moved;decision_maker", "newsletter"]
USERS = [{"Id": make_id("005", 1), "IsActive": True, "Email": "a@example.com"}]
USERS += [{"Id": make_id("005", 2), "IsActive": False, "Email": None}]
#: Values to draw from, for records and for conditions alike.
POOLS = {
    "LastName": TEXTS,
    "Email": ["a@example.com", "A@Example.com", "b@example.com"],
    "Champion_Status__c": ["Active", "Moved", "Left"],
    "Champion_Tags__c": TAGS,
    "Is_Champion__c": [True, False],
    "Score__c": [-1.5, 0.0, 0.1, 39000.0, 1e20],
    "Birthdate": DAYS,
    "EmailBouncedDate": MOMENTS,
    "AccountId": [make_id("001", n) for n in range(4)],
    "Account.Name": TEXTS,
    "Account.NumberOfEmployees": [0, 5, 250],
    "Account.AnnualRevenue": [10.5, 1000000.0],
    "Account.IsDeleted": [True, False],
    "Account.Owner.IsActive": [True, False],
    "Account.Owner.Email": ["a@example.com"],
}
_NEVER_NULL = {"Is_Champion__c"}


def _drawn(chance, path):
    if path not in _NEVER_NULL and chance.random() < 0.3:
        return None
    return chance.choice(POOLS[path])


def _accounts(chance):
    names = [path.split(".")[1] for path in POOLS if path.count(".") == 1]
    for account_id in POOLS["AccountId"][:3]:  # the fourth is gone
        values = {name: _drawn(chance, f"Account.{name}") for name in names}
        values["IsDeleted"] = bool(values["IsDeleted"])
        owner = chance.choice([*USERS, None])
        yield {"Id": account_id, "OwnerId": owner and owner["Id"], **values}


def _contacts(chance):
    own = [path for path in POOLS if "." not in path]
    for number in range(60):
        yield {"Id": make_id("003", number), **{path: _drawn(chance, path) for path in own}}


_chance = random.Random(5)
ACCOUNTS = list(_accounts(_chance))
CONTACTS = list(_contacts(_chance))
TABLES = {"Contact": CONTACTS, "Account": ACCOUNTS, "User": USERS}
BY_ID = {(name, one["Id"]): one for name, rows in TABLES.items() for one in rows}


def flat(contact):
    """A contact with its parents' fields under their paths, as a pull would give it."""
    account = BY_ID.get(("Account", contact["AccountId"])) or {}
    owner = BY_ID.get(("User", account.get("OwnerId"))) or {}
    above = {"Account.": account, "Account.Owner.": owner}
    found = dict(contact)
    for path in POOLS:
        start, _, name = path.rpartition(".")
        if start:
            found[path] = above[f"{start}."].get(name)
    return found
