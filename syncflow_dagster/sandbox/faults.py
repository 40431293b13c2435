"""The fault dial: which requests go wrong, in which way."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

Kind = Literal[
    "lost_reply",
    "error_before",
    "error_after",
    "throttle",
    "late_apply",
    "slow",
    "partial",
    "stale_reads",
    "html_error",
    "down",
    "locked",
    "expired_session",
    "hang",
    "drip",
    "repeat_page",
]
ThrottleLimit = Literal[
    "complexity",
    "single_query",
    "minute",
    "concurrency",
    "daily",
    "ip",
    "ingest_jobs",
    "blocked",
    "field",
    "field_minute",
    "subgraph",
]

# Faults that only shade a request; all others end it, and the first one drawn wins.
SHADING = frozenset({"slow", "drip", "stale_reads", "partial", "repeat_page"})

# Which optional settings belong to which kind.
_SETTINGS: dict[str, frozenset[str]] = {
    "lost_reply": frozenset({"forget_key", "mid_body"}),
    "error_before": frozenset({"status", "spelling"}),
    "error_after": frozenset({"status", "forget_key"}),
    "throttle": frozenset({"limit", "spelling", "retry_in_s", "retry_after"}),
    "late_apply": frozenset({"after_s", "reply"}),
    "slow": frozenset({"delay_s"}),
    "partial": frozenset({"code", "spelling"}),
    "stale_reads": frozenset({"lag_s"}),
    "html_error": frozenset({"status"}),
    "down": frozenset({"for_s"}),
    "locked": frozenset({"spelling"}),
    "expired_session": frozenset(),
    "hang": frozenset(),
    "drip": frozenset({"delay_s"}),
    "repeat_page": frozenset({"spelling"}),
}
_REQUIRED = {
    "late_apply": "after_s",
    "slow": "delay_s",
    "drip": "delay_s",
    "stale_reads": "lag_s",
}
# What goes on beside the API's requests, and the kinds that can hit it. Only a fault whose `op`
# names it does.
BESIDE: dict[str, frozenset[str]] = {
    "upload": frozenset({"lost_reply", "error_before", "error_after", "html_error", "slow"}),
    "report": frozenset({"lost_reply", "error_before", "error_after", "html_error", "slow"}),
    "ingest_job": frozenset({"error_before", "error_after", "partial", "slow"}),
    "query_job": frozenset({"error_before", "slow"}),
    "webhook": frozenset({"error_before", "late_apply", "lost_reply", "slow"}),
}
_SELECTION = frozenset({"op", "text", "rate", "nth", "times", "seed"})
_COMMON = frozenset({"service", "kind"}) | _SELECTION


class FaultError(ValueError):
    """A fault was described wrongly; the text says what would be right."""


class FaultSpec(BaseModel):
    """One setting of the dial, as posted to `/faults`.

    Which requests: those of `service` whose document has `op` among its root fields (`op`
    may also be `query` or `mutation`; absent = every request; Salesforce and Unipile have words
    of their own, see `sandbox.salesforce.drawn` and `sandbox.unipile.gateway`) and one of whose
    values holds `text` (absent = whatever they are). Of these, `rate` hits a share at random but
    repeatably by `seed`; `nth` hits every nth one (with `times: 1` only the nth); with neither,
    all are hit. `times` ends the fault after so many hits.

    What happens:
        lost_reply: applied, then the connection is cut; `mid_body` cuts it in the middle of
            the answer's body; `forget_key` also loses the idempotency key's stored answer.
        error_before: answered with `status` (500), nothing applied.
        error_after: applied, then answered with `status` (500); `forget_key` as above.
        throttle: refused as if `limit` (complexity) were reached; `retry_in_s` is the
            stated wait in real seconds, `retry_after: false` leaves the header out.
        late_apply: not answered (`reply: cut`) or answered 503 (`reply: timeout`) now, and
            applied `after_s` seconds later.
        slow: answered `delay_s` seconds late.
        partial: one root field of the document fails with `code`, and is not applied.
        stale_reads: queries see the state of `lag_s` seconds ago.
        html_error: an HTML page with `status` (502), nothing applied.
        locked: HTTP 423, nothing applied.
        expired_session: 401, nothing applied; the access token is dead from now on.
        hang: never answered, nothing applied; the connection stays until the client gives up.
        drip: applied and answered; the body comes in small pieces, `delay_s` seconds altogether.
        repeat_page: a list has no end: its first page comes again and again.
        down: connections are refused for `for_s` seconds, or until the fault is cleared.

    `spelling` chooses one of several wordings of the same refusal; each service has its own.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    service: str
    kind: Kind
    op: str | None = Field(default=None, min_length=1)
    text: str | None = Field(default=None, min_length=1)
    rate: float | None = Field(default=None, gt=0, le=1)
    nth: int | None = Field(default=None, ge=1)
    times: int | None = Field(default=None, ge=1)
    seed: int = 0
    status: int | None = Field(default=None, ge=400, le=599)
    forget_key: bool = False
    mid_body: bool = False
    limit: ThrottleLimit = "complexity"
    retry_in_s: int | None = Field(default=None, ge=1)
    retry_after: bool = True
    after_s: float | None = Field(default=None, ge=0)
    reply: Literal["cut", "timeout"] = "cut"
    delay_s: float | None = Field(default=None, ge=0)
    code: str = Field(default="INTERNAL_SERVER_ERROR", min_length=1)
    spelling: str | None = Field(default=None, min_length=1)
    lag_s: float | None = Field(default=None, gt=0)
    for_s: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _settings_fit_kind(self) -> Self:
        extra = self.model_fields_set - _COMMON - _SETTINGS[self.kind]
        if extra:
            allowed = ", ".join(sorted(_SETTINGS[self.kind])) or "none"
            msg = f"{min(extra)!r} does not belong to {self.kind!r} ({allowed})"
            raise ValueError(msg)
        required = _REQUIRED.get(self.kind)
        if required and getattr(self, required) is None:
            msg = f"{self.kind!r} needs {required!r}"
            raise ValueError(msg)
        if self.op in BESIDE and self.kind not in BESIDE[self.op]:
            known = ", ".join(sorted(BESIDE[self.op]))
            msg = f"{self.kind!r} cannot hit {self.op!r} (these can: {known})"
            raise ValueError(msg)
        if self.rate is not None and self.nth is not None:
            raise ValueError("give 'rate' or 'nth', not both")
        if {"code", "spelling"} <= self.model_fields_set:
            raise ValueError("give 'code' or 'spelling', not both")
        if self.kind == "down" and self.model_fields_set & _SELECTION:
            raise ValueError("'down' concerns connections, so it takes no op, rate, nth or times")
        return self


def parse_fault(body: object, services: Collection[str]) -> FaultSpec:
    """Read a posted fault.

    Raises:
        FaultError: The body is not a fault that these services can have.
    """
    if not isinstance(body, dict):
        raise FaultError('a fault is a JSON object, e.g. {"service": "monday", "kind": "slow"}')
    try:
        spec = FaultSpec.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        text = first["msg"].removeprefix("Value error, ")
        raise FaultError(f"{where}: {text}" if where else text) from error
    if spec.service not in services:
        known = ", ".join(sorted(services))
        msg = f"service: {spec.service!r} is not running here (there is: {known})"
        raise FaultError(msg)
    return spec


@dataclass
class Fault:
    """A fault on the dial, with what it has done so far."""

    id: str
    spec: FaultSpec
    seen: int = 0
    hits: int = 0
    chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.spec.seed)  # noqa: S311 - repeatable, not secret

    def draws(
        self,
        operation: str,
        root_fields: Collection[str],
        values: Mapping[str, Any] | None = None,
    ) -> bool:
        """Count one request; tell whether it is to be hit."""
        spec = self.spec
        if spec.op is not None and spec.op != operation and spec.op not in root_fields:
            return False
        if spec.text is not None and spec.text not in json.dumps(values or {}, ensure_ascii=False):
            return False
        if spec.times is not None and self.hits >= spec.times:
            return False
        self.seen += 1
        if spec.nth is not None:
            return self.seen % spec.nth == 0
        return spec.rate is None or self.chance.random() < spec.rate

    def describe(self) -> dict[str, Any]:
        """The fault as JSON, with its counts."""
        given = self.spec.model_dump(exclude_unset=True)
        return {"id": self.id, **given, "seen": self.seen, "hits": self.hits}


class FaultDial:
    """All faults that are set."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._count = 0

    def add(self, spec: FaultSpec) -> Fault:
        """Set one more fault."""
        self._count += 1
        fault = Fault(f"fault-{self._count}", spec)
        self._faults.append(fault)
        return fault

    def draw(
        self,
        service: str,
        operation: str,
        root_fields: Collection[str],
        values: Mapping[str, Any] | None = None,
    ) -> list[Fault]:
        """The faults that hit this request: any number that shade it, at most one that ends it.

        Args:
            service: Whose request it is.
            operation: `query` or `mutation`.
            root_fields: Names of its document's root fields.
            values: What it carries.
        """
        drawn: list[Fault] = []
        ended = False
        for fault in self._faults:
            spec = fault.spec
            if spec.service != service or spec.kind == "down":
                continue
            if not fault.draws(operation, root_fields, values) or (
                ended and spec.kind not in SHADING
            ):
                continue
            fault.hits += 1
            ended = ended or spec.kind not in SHADING
            drawn.append(fault)
        return drawn

    def draw_beside(self, service: str, op: str) -> dict[str, FaultSpec]:
        """The faults by kind that hit something beside the API's requests: one of `BESIDE`."""
        faults = [f for f in self._faults if f.spec.service == service and f.spec.op == op]
        drawn = [fault for fault in faults if fault.draws(op, ())]
        for fault in drawn:
            fault.hits += 1
        return {fault.spec.kind: fault.spec for fault in drawn}

    def remove(self, fault_id: str) -> None:
        """Take one fault off the dial; no effect when it is gone already."""
        self._faults = [fault for fault in self._faults if fault.id != fault_id]

    def clear(self) -> None:
        """Take all faults off the dial."""
        self._faults.clear()

    def describe(self) -> list[dict[str, Any]]:
        """All faults as JSON."""
        return [fault.describe() for fault in self._faults]
