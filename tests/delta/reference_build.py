"""A whole build in plain Python: one dict, one row after the other, hashes by the plain encoder."""

from __future__ import annotations

import random
import unicodedata
import uuid
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

import blake3
import pyarrow as pa
import xxhash

from syncflow_dagster.core.identity.encoding import encode_row

KEY = ["company", "number"]
FIELDS = [
    {"name": "company", "column": "COMPANY", "required": True, "case": "upper"},
    {"name": "number", "column": "NO", "type": "integer", "required": True},
    {"name": "customer_name", "column": "CUSTOMER", "required": True},
    {"name": "amount", "column": "AMOUNT", "type": "decimal", "scale": 2},
    {"name": "paid", "column": "PAID", "type": "boolean"},
    {"name": "due", "column": "DUE", "type": "date"},
    {"name": "touched", "column": "TOUCHED", "type": "datetime", "compared": False},
]
COMPARED = [each["name"] for each in FIELDS if each.get("compared", True)]
_BLANKS = "\t\n\v\f\r \x85\xa0\u1680\u2003\u2028\u3000"
_TRUTH = {"yes": True, "1": True, "true": True, "no": False, "0": False, "false": False}


def read_text(value, rule):
    text = unicodedata.normalize("NFC", value)
    for blank in _BLANKS:
        text = text.replace(blank, " ")
    text = " ".join(text.split(" ")).strip()
    while "  " in text:
        text = text.replace("  ", " ")
    return (text.upper() if rule.get("case") == "upper" else text) or None


def read_decimal(value, rule):
    digits = Decimal(1).scaleb(-rule["scale"])
    return Decimal(value.strip()).quantize(digits, ROUND_HALF_EVEN)


def read_datetime(value, rule):
    moment = datetime.fromisoformat(value.strip())
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


READERS = {
    "text": read_text,
    "integer": lambda value, rule: int(value),
    "decimal": read_decimal,
    "boolean": lambda value, rule: _TRUTH[value.strip().lower()],
    "date": lambda value, rule: date.fromisoformat(value.strip()),
    "datetime": read_datetime,
}


def normalise(row):
    """Return the record, and the fields that break a rule."""
    record, broken = {}, set()
    for rule in FIELDS:
        name, value = rule["name"], row[rule["column"]]
        record[name] = None
        try:
            if value is not None and value.strip():
                record[name] = READERS[rule.get("type", "text")](value, rule)
        except (ValueError, KeyError, InvalidOperation):
            broken.add(name)
            continue
        if record[name] is None and (rule.get("required") or name in KEY):
            broken.add(name)
    return record, broken


def key_of(record):
    return xxhash.xxh3_128_digest(encode_row([record[name] for name in KEY]))


def data_of(record):
    return blake3.blake3(encode_row([record[name] for name in COMPARED])).digest()


def field_hashes_of(record):
    return [xxhash.xxh3_64_digest(encode_row([record[name]])) for name in COMPARED]


def record_uuid(workflow, entity, key):
    digest = bytearray(xxhash.xxh3_128_digest(encode_row([workflow, entity, key])))
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return uuid.UUID(bytes=bytes(digest))


@dataclass
class Known:
    """What is known of a record."""

    record: dict
    generation: int
    deleted: bool = False


@dataclass
class Reference:
    """A node's known state, brought on from read to read."""

    duplicates: str
    known: dict[bytes, Known] = field(default_factory=dict)

    def build(self, rows):
        """Return the changes as (key, operation, changed fields), rejected rows, and counts."""
        usable, rejected, met, dropped = self._select(rows)
        changes, counts = [], Counter(duplicates=dropped)
        for key, record in usable:
            operation, changed = self._classify(key, record)
            counts[operation] += 1
            if operation != "SAME":
                changes.append((key, operation, changed))
                was = self.known.get(key)
                generation = 1 if was is None else was.generation + was.deleted
                self.known[key] = Known(record, generation)
        gone = [key for key, was in self.known.items() if key not in met and not was.deleted]
        for key in gone:
            self.known[key].deleted = True
            changes.append((key, "DELETE", []))
        counts["DELETE"] = len(gone)
        return changes, rejected, counts

    def _classify(self, key, record):
        was = self.known.get(key)
        if was is None or was.deleted:
            return "INSERT", []
        if data_of(was.record) == data_of(record):
            return "SAME", []
        pairs = zip(COMPARED, field_hashes_of(was.record), field_hashes_of(record), strict=True)
        return "UPDATE", [name for name, then, now in pairs if then != now]

    def _select(self, rows):
        normalised = [normalise(row) for row in rows]
        rejected = {place for place, (_, broken) in enumerate(normalised) if broken}
        by_key = defaultdict(list)
        for place, (record, broken) in enumerate(normalised):
            if not broken & set(KEY):
                by_key[key_of(record)].append(place)
        usable, dropped = [], 0
        for key, places in by_key.items():
            chosen = places[0] if self.duplicates == "first" else places[-1]
            whole = [place for place in places if place not in rejected]
            if len(places) > 1 and self.duplicates == "reject":
                rejected |= set(whole)
            elif chosen in whole:
                usable.append((chosen, key))
                dropped += len(whole) - 1
            else:
                dropped += len(whole)
        used = [(key, normalised[place][0]) for place, key in sorted(usable)]
        return used, rejected, set(by_key), dropped


def rows_of(count, seed, changed=0.0):
    """Rows as a source may give them, all values as texts.

    Args:
        count: How many there are before some are left out, doubled or broken.
        seed: Of the dice; keys are the same with every seed.
        changed: Share of the records that are other ones than with share 0.
    """
    dice = random.Random(seed)
    rows = []
    for number in range(count):
        if changed and dice.random() < changed / 4:
            continue
        edition = dice.randrange(1, 50) if dice.random() < changed else 0
        rows.append(_row(number, edition, dice))
        if dice.random() < 0.01:
            rows.append(_row(number, edition + dice.randrange(2), dice))
        if dice.random() < 0.01:
            rows[-1][dice.choice(["AMOUNT", "DUE", "NO", "PAID"])] = "what?"
        if dice.random() < 0.01:
            rows[-1][dice.choice(["CUSTOMER", "COMPANY"])] = dice.choice([None, "", " \u3000"])
    return rows


def _row(number, edition, dice):
    blank = dice.choice(["", "", "", " ", "\u00a0", "\t "])
    name = dice.choice(["Zo\u00eb", "Zoe\u0308"])
    cents = (number * 37 + edition * 5) % 100_000
    return {
        "COMPANY": dice.choice(["us", "US"]) + f"{number % 7}{blank}",
        "NO": f"{blank if blank.isascii() else ''}{number // 7}",
        "CUSTOMER": f"{blank}{name}{dice.choice([' ', '  '])}Ltd {number % 97}",
        "AMOUNT": None if number % 13 == 0 else f"{cents}.{edition % 10}{number % 10}5",
        "PAID": dice.choice([["yes", "1", "TRUE"], ["no", "0"]][(number + edition) % 2]),
        "DUE": f"2026-{number % 12 + 1:02}-{(number + edition) % 28 + 1:02}",
        "TOUCHED": f"2026-05-01T{dice.randrange(24):02}:00:00+02:00",
    }


def batches_of(rows, size):
    schema = pa.schema([(each["column"], pa.string()) for each in FIELDS])
    for start in range(0, max(len(rows), 1), size):
        yield pa.RecordBatch.from_pylist(rows[start : start + size], schema=schema)
