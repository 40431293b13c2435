"""Reading people: the owner, profiles, relations, invitations that are out."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from syncflow_dagster.sandbox.unipile import shapes
from syncflow_dagster.sandbox.unipile.errors import ApiError
from syncflow_dagster.sandbox.unipile.paging import by_place
from syncflow_dagster.sandbox.unipile.routes import ApiRoute

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from starlette.responses import Response

    from syncflow_dagster.sandbox.unipile.call import Call
    from syncflow_dagster.sandbox.unipile.model import Person
    from syncflow_dagster.sandbox.unipile.sight import Sight

# What of an invitation that has ended a profile still tells.
_TOLD = frozenset({"PENDING", "IGNORED", "WITHDRAWN"})


def me(call: Call) -> Response:
    """`GET /users/me`."""
    return call.answer(shapes.owner(call.looking()))


def profile(call: Call) -> Response:
    """`GET /users/{identifier}`: costs a view; with `notify` the person is told of it."""
    account = call.looking()
    person = call.runtime.store.find_person(call.path["identifier"])
    if person is None:
        raise ApiError("resource_not_found", "User not found.")
    if person.locked:
        raise ApiError("invalid_recipient", "The profile is locked.")
    if person is not account.person:
        call.runtime.limits.check(account, "profile", "too_many_requests")
        call.runtime.limits.count(account, "profile")
    sight = call.sight(account)
    if call.query.get("notify") == "true" and account.stale_since is None:
        call.runtime.store.view_profile(account, person)
        call.log("view_profile", person.provider_id, "viewed", {"account": account.id})
    sections = frozenset(call.request.query_params.getlist("linkedin_sections"))
    told = {part for given in sections for part in given.split(",")}
    return call.answer(
        shapes.profile(
            sight,
            person,
            _invitation(call, sight, person),
            frozenset(told),
            can_send_inmail=account.tier != "free",
        )
    )


def _invitation(call: Call, sight: Sight, person: Person) -> tuple[str, str] | None:
    known = sight.invitation(person)
    if known is None or known[1] not in _TOLD:
        return None
    one, status = known
    memory = timedelta(days=call.runtime.settings.cooldown_days)
    if one.ended_at is not None and call.runtime.store.now() - one.ended_at >= memory:
        return None
    return ("RECEIVED" if one.received else "SENT"), status.value


def relations(call: Call) -> Response:
    """`GET /users/relations`: newest first."""
    sight = call.sight(call.looking())
    wanted = call.query.get("filter", "").casefold()

    def read(start: int, count: int) -> Sequence[dict[str, Any]]:
        if wanted:
            every = sight.relations(0, len(call.runtime.store.relations[sight.account.id]))
            found = [one for one in every if wanted in one.person.full_name.casefold()]
            rows = found[start : start + count]
        else:
            rows = sight.relations(start, count)
        with_id = not call.runtime.settings.missing_member_id
        return [shapes.relation(one, live=call.live, member_id=with_id) for one in rows]

    return by_place(call, "UserRelationsList", "startIndex", (100, 1_000), read)


def sent(call: Call) -> Response:
    """`GET /users/invite/sent`: those that are out."""
    sight = call.sight(call.looking())
    out = sight.sent()
    now = call.runtime.store.now()
    language = call.runtime.settings.language

    def read(start: int, count: int) -> Sequence[dict[str, Any]]:
        rows = out[start : start + count]
        return [shapes.sent(one, now, language, live=call.live) for one in rows]

    return by_place(call, "InvitationList", "cursor", (10, 100), read)


# The table is searched in its order: the last one takes any name.
ROUTES = [
    ApiRoute("GET", "/users/me", "me", me),
    ApiRoute("GET", "/users/relations", "relations", relations),
    ApiRoute("GET", "/users/invite/sent", "sent", sent),
    ApiRoute("GET", "/users/{identifier}", "profile", profile),
]
