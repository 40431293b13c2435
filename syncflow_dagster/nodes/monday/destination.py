"""monday.com as a destination of the ledger."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.outcomes import (
    Done,
    Outcome,
    Reject,
    Retry,
    Stop,
    Unknown,
    outage_of,
)
from syncflow_dagster.core.pace import Pace
from syncflow_dagster.ledger.ports import Effect, JobLook, Lookup, OpenJob, Probe, Reply
from syncflow_dagster.nodes.monday import costs
from syncflow_dagster.nodes.monday.bulk.file import MOST_ROWS
from syncflow_dagster.nodes.monday.bulk.jobs import BulkJobs
from syncflow_dagster.nodes.monday.bulk.lane import BulkLane
from syncflow_dagster.nodes.monday.classify import (
    GONE,
    alias_error,
    code_of,
    column_of,
    silence,
    was_replayed,
    whole_answer,
)
from syncflow_dagster.nodes.monday.client import Answer, MondayClient, NoAnswer
from syncflow_dagster.nodes.monday.documents import batch
from syncflow_dagster.nodes.monday.headers import readings_of, spent_of, told
from syncflow_dagster.nodes.monday.lookup import MOST_IDS, LookupRun
from syncflow_dagster.nodes.monday.values import dropped, sent_value, without

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

    from syncflow_dagster.core.budget import Limit, Reading
    from syncflow_dagster.nodes.monday.bulk.fit import FileColumns
    from syncflow_dagster.nodes.monday.preflight_watch import ContractWatch
    from syncflow_dagster.workflows.models import MondayConnection

#: Mutations of a first request: each takes a fifth to half a second, and a minute is all there is.
_FIRST_BATCH = 20
#: How much faster than the time-out a request should be answered.
_TIMES_FASTER = 4
_PROBE = "query { complexity { query after reset_in_x_seconds } }"


class MondayDestination:
    """One monday account, and one board's subitems.

    Args:
        connection: The account.
        batch_size: Mutations per request.
        subitem_board: Board the subitems live on, where it is known.
        client: Sends the requests; made from the connection if left out.
        watch: Told of what monday refuses; says whether the board changed.
        columns: What of the board decides whether an item can be made by a bulk job; without it,
            none is.
    """

    def __init__(
        self,
        connection: MondayConnection,
        batch_size: int,
        subitem_board: str | None = None,
        client: MondayClient | None = None,
        watch: ContractWatch | None = None,
        columns: FileColumns | None = None,
    ) -> None:
        self._connection = connection
        self._batch_size = batch_size
        self._subitem_board = subitem_board
        self._client = client or MondayClient(connection)
        self._watch = watch
        self._takes_jobs = columns is not None
        self._jobs = BulkJobs(self._client, connection)
        self._bulk = BulkLane(self._jobs, connection, columns)

    @property
    def account(self) -> str:
        """Name of the account."""
        return f"monday:{self._connection.account}"

    @property
    def settle_s(self) -> float:
        """Seconds until monday's reads show whatever a request will still bring about."""
        return self._connection.settle_s

    @property
    def batch_size(self) -> int:
        """Mutations one request carries at most."""
        return self._batch_size

    @property
    def job_size(self) -> int:
        """Items one bulk job makes at most; 0 where there are to be none."""
        return MOST_ROWS if self._takes_jobs else 0

    def pace(self) -> Pace:
        """Return requests that grow to the batch size while monday answers them in good time."""
        first = min(_FIRST_BATCH, self._batch_size)
        return Pace(first, self._batch_size, self._connection.timeout_s / _TIMES_FASTER)

    def budgets(self) -> Mapping[str, Limit]:
        """Return the account's budgets until its first answer says better."""
        return costs.limits(self._connection.timeout_s)

    def cost(self, effects: Sequence[Effect]) -> Mapping[str, int]:
        """Return what one request, or one bulk job, with these effects costs."""
        if effects[0].bulk:
            return self._bulk.cost(effects)
        return costs.request(costs.mutations(effect.kind for effect in effects))

    def lookup_cost(self, effects: Sequence[Effect]) -> Mapping[str, int]:
        """Return what looking these effects up costs, at the dearest."""
        asked = Counter(_question(effect) for effect in effects)
        fields = sum(-(-count // MOST_IDS) for count in asked.values())
        requests = -(-len(effects) // MOST_IDS)
        # Cut into hundreds, each kind of question may stand in one document more.
        fields += (requests - 1) * (len(asked) - 1)
        return costs.request(fields * (costs.KEY_SEARCH + costs.OBJECT), requests)

    def send(self, effects: Sequence[Effect], request_id: UUID) -> Reply:
        """Send the effects as one document of aliased mutations, or as one bulk job."""
        if effects[0].bulk:
            return self._bulk.send(effects, request_id)
        document, variables = batch(effects, self._subitem_board)
        answer = self._client.execute(document, variables, idempotency_key=request_id)
        if isinstance(answer, NoAnswer):
            return Reply(dict.fromkeys(_ids(effects), silence(answer)))
        said = readings_of(answer)
        whole = whole_answer(answer, mutations=len(effects))
        if whole is not None:
            refused = isinstance(whole, Reject)
            outcomes = dict.fromkeys(_ids(effects), whole)
            return Reply(outcomes, [*said, *told(whole, said)], refused_whole=refused)
        errors = _errors(effects, answer)
        outcomes = _each(effects, errors, answer)
        said += _limits(outcomes.values(), said)
        review = None
        if self._watch is not None and errors:
            # It may read the board, for which there must be a place among those at a time.
            review = partial(self._watch.examine, effects, errors, outcomes)
        return Reply(outcomes, said, spent_of(answer), review=review)

    def lookup(self, effects: Sequence[Effect]) -> Lookup:
        """Ask monday whether these effects happened."""
        return LookupRun(self._client, self._subitem_board).run(effects)

    def job_look_cost(self) -> Mapping[str, int]:
        """Return what asking for a bulk job costs."""
        return self._bulk.look_cost()

    def look_at_job(self, job: OpenJob) -> JobLook:
        """Ask monday how far a bulk job is, and what became of its lines."""
        return self._bulk.look(job)

    def probe(self) -> Probe:
        """Ask for the account's points, the cheapest question there is."""
        answer = self._client.execute(_PROBE)
        cost = {costs.REQUEST_BUDGET: 1, costs.DAILY_BUDGET: 1}
        if isinstance(answer, NoAnswer):
            return Probe(outage_of(silence(answer)), cost)
        whole = whole_answer(answer)
        return Probe(None if whole is None else outage_of(whole), cost, readings_of(answer))

    def close(self) -> None:
        """Close the connection to monday."""
        self._jobs.close()
        self._client.close()


def _ids(effects: Sequence[Effect]) -> list[int]:
    return [effect.effect_id for effect in effects]


def _question(effect: Effect) -> tuple[object, ...]:
    """Return what an effect is looked up by; those with the same go into one query."""
    if not effect.creates:
        return ("id",)
    payload = effect.payload
    if effect.kind == "create_group":
        return ("group", payload["board_id"])
    return ("key", payload["board_id"], payload["subitem"], payload["key_column"])


def _limits(outcomes: Iterable[Outcome], said: Sequence[Reading]) -> list[Reading]:
    """Read off the refusals of single mutations which budgets are used up."""
    limited = {one.limit: one for one in outcomes if isinstance(one, Retry | Stop) and one.limit}
    return [reading for one in limited.values() for reading in told(one, said)]


def _errors(effects: Sequence[Effect], answer: Answer) -> dict[int, Mapping[str, Any]]:
    """Return the error of each effect that has one."""
    by_alias = {str(error["path"][0]): error for error in answer.errors if error.get("path")}
    numbered = ((effect, by_alias.get(f"e{number}")) for number, effect in enumerate(effects))
    return {effect.effect_id: error for effect, error in numbered if error is not None}


def _each(
    effects: Sequence[Effect], errors: Mapping[int, Mapping[str, Any]], answer: Answer
) -> dict[int, Outcome]:
    assert answer.data is not None
    outcomes: dict[int, Outcome] = {}
    for number, effect in enumerate(effects):
        alias = f"e{number}"
        result = answer.data.get(alias)
        if result is not None:
            outcomes[effect.effect_id] = Done(str(result["id"]), was_replayed(answer))
        elif effect.effect_id in errors:
            outcomes[effect.effect_id] = _refusal(effect, errors[effect.effect_id], answer)
        else:
            outcomes[effect.effect_id] = Unknown("monday says nothing of this mutation")
    return outcomes


def _refusal(effect: Effect, error: Mapping[str, Any], answer: Answer) -> Outcome:
    if effect.kind.startswith("archive") and code_of(error) in GONE:
        # Somebody was quicker: what was to go is gone.
        return Done()
    outcome = alias_error(error, answer)
    return _rejection(effect, error, outcome) if isinstance(outcome, Reject) else outcome


def _rejection(effect: Effect, error: Mapping[str, Any], refusal: Reject) -> Outcome:
    if not effect.creates and code_of(error) in GONE:
        text = f"no longer on the board ({refusal.reason}); the record's next change makes it anew"
        return Reject(text, gone=True)
    column = column_of(error)
    if column is None or column not in effect.payload.get("columns", ()):
        return refusal
    text = f"monday refuses {sent_value(effect.payload, column)}: {refusal.reason}"
    left_out = dropped(effect.payload, column, text)
    if left_out is None:
        return Reject(text)
    return Retry(str(left_out), payload=without(effect.payload, left_out))
