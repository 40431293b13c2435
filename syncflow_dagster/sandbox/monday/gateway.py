"""One request's way: who, how often, what, once, at what price, and with what luck."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from syncflow_dagster.sandbox.monday import faulty
from syncflow_dagster.sandbox.monday.documents import DocumentError, Documents, Prepared
from syncflow_dagster.sandbox.monday.errors import LEGACY_UNTIL, Answer, Denial, error_answer
from syncflow_dagster.sandbox.monday.faulty import DrawnFaults
from syncflow_dagster.sandbox.monday.idempotency import IN_FLIGHT_RETRY_S
from syncflow_dagster.sandbox.monday.ingest_fields import STARTS
from syncflow_dagster.sandbox.monday.old_schema_errors import in_old_words
from syncflow_dagster.sandbox.monday.runtime import Call, Job, Runtime
from syncflow_dagster.sandbox.monday.schema import executable_schema
from syncflow_dagster.sandbox.monday.spellings import denial_answer
from syncflow_dagster.sandbox.monday.versions import MalformedVersionError, resolve
from syncflow_dagster.sandbox.transport import CutConnection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import GraphQLSchema
    from starlette.requests import Request

    from syncflow_dagster.sandbox.faults import FaultSpec
    from syncflow_dagster.sandbox.monday.limits import Charge

SERVICE = "monday"


class BadRequestError(Exception):
    """A body that is no GraphQL request."""


def _written(answer: Answer | Response) -> Response:
    if isinstance(answer, Response):
        return answer
    content = json.dumps(answer.body)
    return Response(
        content, answer.status, headers=dict(answer.headers), media_type="application/json"
    )


def _copy(response: Response) -> Response:
    return Response(response.body, response.status_code, media_type=response.media_type)


class Gateway:
    """The HTTP endpoint of the fake monday."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._by_schema: dict[GraphQLSchema, Documents] = {}

    def _documents(self, call: Call) -> Documents:
        """Documents as the call's API version understands them."""
        schema = executable_schema(call.version.value)
        if schema not in self._by_schema:
            self._by_schema[schema] = Documents(schema)
        return self._by_schema[schema]

    async def answer(self, request: Request) -> Response:
        """Answer `POST /v2`."""
        runtime = self._runtime
        runtime.world.later.run_due()
        runtime.counts.requests += 1
        request_id = uuid.uuid4().hex
        response = await self._identified(request, request_id)
        response.headers.setdefault("x-request-id", request_id)
        if not isinstance(response, CutConnection):
            runtime.counts.statuses[response.status_code] += 1
        return response

    async def _identified(self, request: Request, request_id: str) -> Response:
        runtime = self._runtime
        caller = runtime.callers.find(request.headers.get("authorization"))
        if caller is None:
            return _written(faulty.error(401, request_id))
        try:
            version = resolve(
                request.headers.get("api-version"),
                reroute_deprecated=runtime.settings.reroute_deprecated,
            )
        except MalformedVersionError as error:
            text = f"Invalid API version {error}: expected YYYY-MM"
            extensions = {"code": "InvalidVersionException", "status_code": 200}
            refusal = _written(error_answer(200, text, extensions, request_id))
            refusal.headers.update(caller.limits.headers("query"))
            return refusal
        key = request.headers.get("idempotency-key") or None
        call = Call(request_id, caller, version, key, str(request.base_url))
        ip = request.client.host if request.client else ""
        denial = runtime.callers.admit(caller, ip)
        if denial is not None:
            return self._headed(self._denied(call, denial), call, "query", denial.limit)
        with caller.limits.flight():
            return await self._understood(request, call)

    async def _understood(self, request: Request, call: Call) -> Response:
        try:
            source, variables, name = _request_parts(await request.body())
            prepared = self._documents(call).prepare(source, name)
        except BadRequestError as error:
            extensions = {"code": "JsonParseException", "status_code": 400}
            answer = error_answer(400, str(error), extensions, call.request_id)
            return self._headed(_written(answer), call, "query")
        except DocumentError as error:
            return self._headed(_rejected(error, call), call, "query")
        if prepared.root_names == {"complexity"}:
            call.caller.limits.discount()
        response = await self._lucky(call, prepared, variables)
        return self._headed(response, call, prepared.kind)

    def _headed(
        self, response: Response, call: Call, operation: str, denied: str | None = None
    ) -> Response:
        if not isinstance(response, CutConnection):
            response.headers.update(call.caller.limits.headers(operation, denied))
            response.headers["api-version"] = call.version.value
        return response

    def _denied(self, call: Call, denial: Denial) -> Response:
        return _written(denial_answer(denial, call.version.value, call.request_id))

    async def _lucky(
        self, call: Call, prepared: Prepared, variables: Mapping[str, Any]
    ) -> Response:
        dial = self._runtime.world.faults
        faults = dial.draw(SERVICE, prepared.kind, prepared.root_names, variables)
        drawn = DrawnFaults(faults, prepared)
        if drawn.throttled():
            self._runtime.counts.throttled_injected += 1
        limits = call.caller.limits
        instead = drawn.instead(limits, call.version.value, call.request_id)
        if instead is not None:
            if drawn.throttled():
                limits.discount()
            return _written(instead)
        job = Job(call, prepared, variables, drawn)
        if call.key is None or prepared.kind != "mutation":
            return await self._priced(job)
        return await self._once(job, call.key)

    async def _once(self, job: Job, key: str) -> Response:
        """Run a mutation under its idempotency key."""
        call, keys, counts = job.call, job.call.caller.keys, self._runtime.counts
        stored = keys.stored(key)
        if stored is not None:
            counts.replays += 1
            replay = _copy(stored)
            replay.headers["Idempotency-Replayed"] = "true"
            return self._spoiled(job, replay)
        if keys.in_flight(key):
            counts.conflicts += 1
            conflict = _written(faulty.error(409, call.request_id))
            conflict.headers["Retry-After"] = str(IN_FLIGHT_RETRY_S)
            return conflict
        keys.begin(key)
        settled = False
        try:
            response = await self._priced(job)
            settled = True
        finally:
            if not settled:
                keys.abandon(key)
        return response

    async def _priced(self, job: Job) -> Response:
        """Hold the document as long as it takes, charge it, run it."""
        runtime, call = self._runtime, job.call
        delay_s = runtime.settings.latency_s + job.drawn.delay_s()
        if delay_s:
            await runtime.world.clock.sleep(delay_s)
        try:
            checked = self._documents(call).variables(job.prepared, job.variables)
        except DocumentError as error:
            self._free(call)
            return _rejected(error, call)
        charge = self._charged(job, checked)
        if isinstance(charge, Denial):
            self._free(call)
            return self._denied(call, charge)
        job = await runtime.greeted(job, checked)
        late = job.drawn.late()
        if late is not None:
            return self._later(job, charge, late)
        return self._spoiled(job, self._run(job, charge))

    def _charged(self, job: Job, variables: Mapping[str, Any]) -> Charge | Denial:
        limits = job.call.caller.limits
        starts = sum(root.name in STARTS for root in job.prepared.roots)
        cost = self._runtime.prices.estimate(job.prepared, variables)
        return limits.admit_jobs(starts) or limits.charge(job.prepared.kind, cost)

    def _run(self, job: Job, charge: Charge) -> Response:
        call = job.call
        response = _written(self._runtime.execute(job, charge))
        if call.key is not None and job.prepared.kind == "mutation":
            call.caller.keys.finish(call.key, response)
        # What is kept stays as it is; the headers of this moment go on a copy.
        return _copy(response)

    def _finish_late(self, job: Job, charge: Charge) -> None:
        self._run(job, charge)

    def _free(self, call: Call) -> None:
        if call.key is not None:
            call.caller.keys.abandon(call.key)

    def _later(self, job: Job, charge: Charge, late: FaultSpec) -> Response:
        assert late.after_s is not None
        self._runtime.world.later.after(late.after_s, lambda: self._finish_late(job, charge))
        if late.reply == "cut":
            return CutConnection()
        return _written(faulty.error(503, job.call.request_id))

    def _spoiled(self, job: Job, response: Response) -> Response:
        """The answer as it reaches the client."""
        spec = job.drawn.after()
        if spec is None:
            return response
        if spec.forget_key and job.call.key is not None:
            job.call.caller.keys.forget(job.call.key)
        if spec.kind == "error_after":
            return _written(faulty.error(spec.status or 500, job.call.request_id))
        return CutConnection(response if spec.mid_body else None)


def _rejected(error: DocumentError, call: Call) -> Response:
    errors = error.errors
    if call.version.value <= LEGACY_UNTIL:
        errors = [in_old_words(one) for one in errors]
    body = {"errors": errors, "extensions": {"request_id": call.request_id}}
    return _written(Answer(200, body))


def _request_parts(body: bytes) -> tuple[str, Mapping[str, Any], str | None]:
    try:
        decoded = json.loads(body)
    except ValueError:
        raise BadRequestError("Request body is not valid JSON") from None
    if not isinstance(decoded, dict) or not isinstance(decoded.get("query"), str):
        raise BadRequestError("Bad request: the body must be an object with a query string")
    variables = decoded.get("variables")
    if isinstance(variables, str):
        # The service has long taken variables as a string of JSON as well.
        try:
            variables = json.loads(variables)
        except ValueError:
            raise BadRequestError("Bad request: variables are not valid JSON") from None
    if variables is None:
        variables = {}
    name = decoded.get("operationName")
    if not isinstance(variables, dict) or not (name is None or isinstance(name, str)):
        raise BadRequestError("Bad request: variables must be an object, operationName a string")
    return decoded["query"], variables, name
