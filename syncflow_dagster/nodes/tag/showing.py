"""What records show now of the cells that tags are in: questions as SOQL, and their answers."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from syncflow_dagster.core.soql.literals import text
from syncflow_dagster.nodes.tag.cells import normal
from syncflow_dagster.nodes.tag.lines import Records
from syncflow_dagster.nodes.tag.values import kept

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from syncflow_dagster.core.soql.schema import ObjectInfo
    from syncflow_dagster.nodes.tag.cells import Value
    from syncflow_dagster.nodes.tag.wishes import Place

    #: Runs a query and gives all of its rows.
    Query = Callable[[str], Sequence[Mapping[str, Any]]]

#: Records of one query.
MOST_IDS = 200
#: Bytes a list of ids or keys may take of an address. With its headers it may have 16 kB, of which
#: a token that is a JWT takes 2, and what is longer is refused with 431.
_LIST_BYTES = 6_000
#: Rows of topic assignments one may ask for without the right to see all data (Object Reference,
#: page "TopicAssignment").
_MOST_ASSIGNMENTS = 1100
#: Field with the record that is locked when a record is written, by object.
_PARENTS = {"contact": "AccountId", "opportunity": "AccountId", "case": "AccountId"}


@dataclass(slots=True)
class Shown:
    """What records show.

    Attributes:
        cells: Values by record id and cell; a record that is not there is not in it.
        parents: The record that is locked along with it, by record id.
        ids: Id of the record that is the tag itself (an assignment, a member), by record id and
            store.
    """

    cells: dict[str, dict[str, Value]] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)
    ids: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def records(self) -> Records:
        """The same, as planning sees it."""
        return Records(self.cells, self.parents)


@dataclass(frozen=True, slots=True)
class Looker:
    """Asks what records of one object show.

    Attributes:
        tagged: The object, as describe tells it.
        topics: Ids of topics by name, as far as they were asked for; a topic that is not there is
            missing.
        junctions: Junction objects by name, as describe tells them.
    """

    tagged: ObjectInfo
    topics: dict[str, str] = field(default_factory=dict)
    junctions: Mapping[str, ObjectInfo] = field(default_factory=dict)

    def look(self, wanted: Iterable[tuple[Place, Collection[str]]], query: Query) -> Shown:
        """Return what some places show.

        Args:
            wanted: Places, each with the cells of it that matter.
            query: Asks the service.
        """
        places, fields = _split(wanted)
        self.find_topics({one.details["topic"] for one in places if one.kind == "topic"}, query)
        shown = Shown()
        if not places:
            return shown
        for some in _chunks(_ids(places)):
            for names in _chunks(fields):
                self._records(some, names, query, shown)
        for its in _by_store(places).values():
            for some in _chunks(list(its)):
                self._tags([its[one] for one in some], query, shown)
        return shown

    def most_queries(self, wanted: Iterable[tuple[Place, Collection[str]]]) -> int:
        """Return how many queries `look` asks for the same at the most."""
        places, fields = _split(wanted)
        topics = int(any(one.kind == "topic" for one in places))
        records = len(_chunks(_ids(places))) * len(_chunks(fields))
        return topics + records + sum(len(_chunks(list(one))) for one in _by_store(places).values())

    def find_topics(self, names: Collection[str], query: Query) -> None:
        """Ask for the ids of topics that are not known yet."""
        unknown = sorted(one for one in names if one not in self.topics)
        if not unknown:
            return
        where = f"Name IN {_listed(unknown)} ORDER BY Id"
        for row in query(_select(["Id", "Name"], "Topic", where)):
            for name in unknown:
                # Texts are compared without their case, and so are topics. Each site of an org may
                # have one of that name: it is the oldest one, now and later.
                if name.lower() == str(row["Name"]).lower():
                    self.topics.setdefault(name, row["Id"])

    def _records(
        self, ids: Sequence[str], fields: Sequence[str], query: Query, shown: Shown
    ) -> None:
        known = {name: self.tagged.field(name) for name in fields}
        names = {name: info.name for name, info in known.items() if info is not None}
        parent = _PARENTS.get(self.tagged.name.lower())
        if parent is not None and self.tagged.field(parent) is None:
            parent = None
        asked = dict.fromkeys(["Id", *names.values(), *([parent] if parent else [])])
        for row in query(_select(asked, self.tagged.name, f"Id IN {_listed(ids)}")):
            cells = shown.cells.setdefault(row["Id"], {})
            for name, api_name in names.items():
                cells[name] = _value(self.tagged, name, row[api_name])
            if parent and row[parent]:
                shown.parents[row["Id"]] = row[parent]

    def _tags(self, places: Sequence[Place], query: Query, shown: Shown) -> None:
        """Ask for assignments, members or junction records; those not found are not there."""
        first = places[0]
        by_key = {_key(place): place for place in places}
        empty = None if first.kind == "junction" else False
        for place in places:
            if place.record_id in shown.cells:
                shown.cells[place.record_id][place.store] = empty
        if first.kind == "topic" and first.details["topic"] not in self.topics:
            return
        soql, key = self._question(places)
        for row in query(soql):
            if (whose := str(row[key])) not in by_key:
                continue
            place = by_key[whose]
            if place.record_id not in shown.cells:
                continue
            value: Value = True
            if place.kind == "junction":
                owner = self.junctions.get(place.details["object"])
                names = place.details["shown"]
                value = normal({name: _value(owner, name, row[name]) for name in names})
            shown.cells[place.record_id][place.store] = value
            shown.ids[place.record_id, place.store] = row["Id"]

    def _question(self, places: Sequence[Place]) -> tuple[str, str]:
        """Return the query for places of one store, and the field that tells whose a row is."""
        first = places[0]
        listed = _listed([_key(place) for place in places])
        details = first.details
        if first.kind == "topic":
            topic = text(self.topics[details["topic"]])
            where = f"TopicId = {topic} AND EntityId IN {listed} LIMIT {_MOST_ASSIGNMENTS}"
            return _select(["Id", "EntityId"], "TopicAssignment", where), "EntityId"
        if first.kind == "campaign":
            person = person_field(details["person"])
            where = f"CampaignId = {text(details['campaign'])} AND {person} IN {listed}"
            return _select(["Id", person], "CampaignMember", where), person
        key = details["external_id"]
        names = dict.fromkeys(["Id", key, *details["shown"]])
        return _select(names, details["object"], f"{key} IN {listed}"), key


def person_field(tagged: str) -> str:
    """Return the field of a campaign member that names a person of this object."""
    return f"{tagged}Id"


def _value(owner: ObjectInfo | None, name: str, given: Any) -> Value:
    """Return a field's value as a cell's, by the field's type."""
    info = None if owner is None else owner.field(name)
    return normal(given) if info is None else kept(info, given)


def _select(names: Iterable[str], owner: str, where: str) -> str:
    return " ".join(["SELECT", ", ".join(names), "FROM", owner, "WHERE", where])


def _split(
    wanted: Iterable[tuple[Place, Collection[str]]],
) -> tuple[list[Place], Sequence[str]]:
    """Return places, and the fields that are asked for."""
    places: list[Place] = []
    fields: set[str] = set()
    for place, cells in wanted:
        places.append(place)
        if place.kind == "fields":
            fields |= set(cells)
    return places, sorted(fields)


def _ids(places: Iterable[Place]) -> list[str]:
    return list(dict.fromkeys(one.record_id for one in places))


def _by_store(places: Iterable[Place]) -> dict[tuple[str, ...], dict[str, Place]]:
    """Return places of tags beside the record, by what one query can ask for, and by their key."""
    found: dict[tuple[str, ...], dict[str, Place]] = defaultdict(dict)
    for place in places:
        if place.kind != "fields":
            found[_together(place)][_key(place)] = place
    return found


def _together(place: Place) -> tuple[str, ...]:
    """Return what places have in common that one query can ask for."""
    details = place.details
    if place.kind == "junction":
        return (place.kind, details["object"], details["external_id"], *details["shown"])
    return (place.kind, place.store)


def _key(place: Place) -> str:
    return str(place.details["key"]) if place.kind == "junction" else place.record_id


def _listed(values: Iterable[str]) -> str:
    return f"({', '.join(map(text, values))})"


def _chunks(values: Sequence[str]) -> list[Sequence[str]]:
    """Return runs of ids, keys or fields that fit into the address of one query, one at least."""
    longest = max((len(quote_plus(f"{text(one)}, ")) for one in values), default=1)
    size = max(1, min(MOST_IDS, _LIST_BYTES // longest))
    return [values[start : start + size] for start in range(0, len(values) or 1, size)]
