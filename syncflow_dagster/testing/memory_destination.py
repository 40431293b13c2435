"""A destination in memory, whose faults a test chooses: for tests of the ledger alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from syncflow_dagster.core.budget import Limit
from syncflow_dagster.core.outcomes import Done, Outcome, Reject, Retry, Stop, Unknown
from syncflow_dagster.core.pace import Pace
from syncflow_dagster.ledger.ports import (
    Absent,
    Ambiguous,
    Effect,
    Finding,
    Found,
    JobLook,
    Lookup,
    OpenJob,
    Probe,
    Reply,
    Unreadable,
)

if TYPE_CHECKING:
    from uuid import UUID

#: What the destination does with the effects of one request; see `MemoryDestination.script`.
Step = Callable[[Sequence[Effect]], Reply | None]


@dataclass
class MemoryDestination:
    """Applies effects to a dictionary and logs them.

    Attributes:
        account: Its account.
        settle_s: Seconds until its reads show what a request brought about.
        batch_size: Effects per request.
        script: What happens to the next requests, one step each: a step that returns None lets
            the request through. An empty script lets everything through.
        log: Keys of the effects applied, in their order.
        objects: Remote id by object key.
        down: Whether nothing reaches it at the moment.
    """

    account: str = "memory:default"
    settle_s: float = 2.0
    batch_size: int = 10
    script: list[Step] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    objects: dict[str, str] = field(default_factory=dict)
    requests: int = 0
    lookups: int = 0
    probes: int = 0
    blind: bool = False
    down: bool = False
    allowed: int = 1_000_000

    @property
    def job_size(self) -> int:
        """It takes no bulk jobs."""
        return 0

    def pace(self) -> Pace:
        """Return requests as large as they may be."""
        return Pace.steady(self.batch_size)

    def budgets(self) -> Mapping[str, Limit]:
        """Return one budget: points."""
        return {"points": Limit(self.allowed, 60.0)}

    def cost(self, effects: Sequence[Effect]) -> Mapping[str, int]:
        """Return one point for each effect."""
        return {"points": len(effects)}

    def lookup_cost(self, effects: Sequence[Effect]) -> Mapping[str, int]:
        """Return one point."""
        return {"points": 1 if effects else 0}

    def send(self, effects: Sequence[Effect], request_id: UUID) -> Reply:  # noqa: ARG002
        """Apply the effects, unless the script says otherwise."""
        self.requests += 1
        if self.down:
            outage = Retry("it is down", counts=False, outage=True)
            return Reply({effect.effect_id: outage for effect in effects})
        if self.script:
            reply = self.script.pop(0)(effects)
            if reply is not None:
                return reply
        return Reply({effect.effect_id: self.apply(effect) for effect in effects})

    def lookup(self, effects: Sequence[Effect]) -> Lookup:
        """Say of each effect whether it is in the log."""
        self.lookups += 1
        if self.down:
            down = Unreadable("it is down", outage=True)
            return Lookup({effect.effect_id: down for effect in effects})
        if self.blind:
            return Lookup({effect.effect_id: Unreadable("no sight") for effect in effects})
        return Lookup({effect.effect_id: self._find(effect) for effect in effects})

    def job_look_cost(self) -> Mapping[str, int]:
        """Return one point."""
        return {"points": 1}

    def look_at_job(self, job: OpenJob) -> JobLook:
        """Say that there are no jobs."""
        return JobLook(reason=f"job {job.job_id} is not known", after_s=60.0)

    def probe(self) -> Probe:
        """Say that it is there, unless it is down."""
        self.probes += 1
        return Probe("it is down" if self.down else None)

    def apply(self, effect: Effect) -> Outcome:
        """Apply one effect; names that begin with `poison` are refused."""
        if str(effect.payload.get("name", "")).startswith("poison"):
            return Reject("poison")
        self.log.append(effect.effect_key)
        if effect.creates:
            self.objects[effect.object_key] = f"r{len(self.log)}"
            return Done(self.objects[effect.object_key])
        return Done()

    def _find(self, effect: Effect) -> Finding:
        times = self.log.count(effect.effect_key)
        if times > 1:
            return Ambiguous(f"applied {times} times")
        return Found(self.objects.get(effect.object_key)) if times else Absent()

    def lost_reply(self, effects: Sequence[Effect]) -> Reply:
        """Apply everything and say nothing."""
        for effect in effects:
            self.apply(effect)
        return Reply({effect.effect_id: Unknown("reply lost") for effect in effects})

    def error_before(self, effects: Sequence[Effect]) -> Reply:
        """Apply nothing and say nothing clear."""
        return Reply({effect.effect_id: Unknown("HTTP 500") for effect in effects})

    def throttle(self, effects: Sequence[Effect]) -> Reply:
        """Refuse for 7 seconds."""
        wait = Retry("too many", after_s=7, counts=False)
        return Reply({effect.effect_id: wait for effect in effects})

    def stop(self, effects: Sequence[Effect]) -> Reply:
        """Refuse until a person acts."""
        return Reply({effect.effect_id: Stop("token revoked") for effect in effects})

    def refuse_whole(self, effects: Sequence[Effect]) -> Reply | None:
        """Refuse the request without naming the poison in it, if there is any."""
        if not any(str(one.payload.get("name", "")).startswith("poison") for one in effects):
            return None
        refusal = Reject("invalid document")
        return Reply({one.effect_id: refusal for one in effects}, refused_whole=True)
