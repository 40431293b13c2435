"""The table of Unipile's answers: what each of them means, and what it tells of the account."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from syncflow_dagster.nodes.linkedin.client import Answer, NoAnswer
from syncflow_dagster.nodes.linkedin.errors import TYPES, refusal
from syncflow_dagster.nodes.linkedin.errors import ErrorClass as C
from syncflow_dagster.nodes.linkedin.signals import SignalKind as K
from syncflow_dagster.nodes.linkedin.telling import signal_of, signal_of_success

# By class: status and types that the vendor documents, and those that clients have seen since.
TABLE = {
    C.ALREADY_DONE: {422: "already_connected already_invited_recently action_already_performed"},
    C.ACCOUNT_LIMIT: {
        422: "cannot_resend_yet cannot_resend_within_24hrs limit_exceeded "
        "connection_limit_reached insufficient_credits",
        429: "too_many_requests a_limit_of_tomorrow",
    },
    C.ACCOUNT_DOWN: {
        401: "multiple_sessions wrong_account invalid_credentials expired_credentials "
        "invalid_checkpoint_solution checkpoint_error captcha_not_supported expired_link "
        "disconnected_account disconnected_feature a_login_of_tomorrow",
        403: "account_restricted feature_not_subscribed subscription_required session_mismatch",
    },
    C.CONFIG: {
        400: "invalid_parameters malformed_request too_many_characters a_fault_of_tomorrow",
        401: "missing_credentials insufficient_privileges",
        415: "unsupported_media_type",
    },
    C.LEAD_PERMANENT: {
        404: "resource_not_found invalid_resource_identifier",
        422: "invalid_recipient blocked_recipient user_unreachable cannot_invite_attendee",
    },
    C.NOT_CONNECTED: {422: "no_connection_with_recipient"},
    C.NOT_SENT: {503: "no_client_session no_channel no_handler network_down"},
    C.UNKNOWN: {
        500: "unexpected_error provider_error an_accident_of_tomorrow",
        503: "service_unavailable",
        504: "request_timeout",
    },
    C.UNRECOGNISED: {
        403: "resource_access_restricted a_ban_of_tomorrow",
        404: "a_place_of_tomorrow",
        422: "unprocessable_entity a_rule_of_tomorrow",
    },
}
CASES = [
    (status, slug, kind)
    for kind, by_status in TABLE.items()
    for status, slugs in by_status.items()
    for slug in slugs.split()
]


def error(status, slug):
    body = {"title": "x", "type": f"errors/{slug}", "status": status, "detail": "to Jane Doe"}
    return Answer(status, body)


def test_each_type_has_its_class_and_is_told_word_for_word_without_what_names_people():
    for status, slug, kind in CASES:
        found = refusal(error(status, slug))
        assert (slug, found.kind) == (slug, kind)
        assert found.reason == f"UNI: errors/{slug} (HTTP {status})"
    # The type decides, not the status it comes with.
    assert refusal(error(500, "cannot_resend_yet")).kind is C.ACCOUNT_LIMIT


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(200, {"object": "X"}), None),
        (Answer(201, {}), None),
        # A page of a proxy is no answer of Unipile's, whatever its status.
        (Answer(200, None), C.UNKNOWN),
        (Answer(502, None), C.UNKNOWN),
        (Answer(503, None), C.UNKNOWN),
        (Answer(408, None), C.UNKNOWN),
        (Answer(429, None), C.ACCOUNT_LIMIT),
        # A wrong address must not make an end of every lead.
        (Answer(404, None), C.UNRECOGNISED),
        (Answer(302, None), C.UNRECOGNISED),
        (Answer(401, {"type": "<b>no slug</b>", "title": "x"}), C.UNRECOGNISED),
        (NoAnswer("no answer (ReadTimeout)", sent=True), C.UNKNOWN),
        (NoAnswer("connection refused", sent=False), C.NOT_SENT),
    ],
)
def test_what_comes_without_a_type_is_read_by_what_can_have_happened(answer, kind):
    found = refusal(answer)
    assert (found and found.kind) == kind
    assert found is None or "slug" not in found.reason


@pytest.mark.parametrize(
    ("status", "slug", "kind", "scope"),
    [
        (422, "cannot_resend_yet", K.LIMIT, "bucket"),
        (401, "disconnected_account", K.DOWN, "account"),
        (403, "account_restricted", K.RESTRICTED, "account"),
        (401, "missing_credentials", K.CONFIG, "tenant"),
        (400, "too_many_characters", K.CONFIG, "sequence"),
        (422, "a_rule_of_tomorrow", K.UNRECOGNISED, "account"),
        (500, "provider_error", K.FAILURE, "bucket"),
        # It answered, and the others can go on.
        (422, "blocked_recipient", K.OK, "bucket"),
    ],
)
def test_an_answer_tells_whom_it_stops(status, slug, kind, scope):
    told = signal_of(refusal(error(status, slug)), "invite", 7)
    assert (told.kind, told.scope, told.bucket, told.lead_id) == (kind, scope, "invite", 7)


@pytest.mark.parametrize(
    ("usage", "kind"), [(None, K.OK), (50, K.OK), (75, K.OK), (90, K.LIMIT), (95, K.LIMIT)]
)
def test_a_success_that_says_how_much_is_used_up_closes_the_bucket_in_time(usage, kind):
    assert signal_of_success(usage, "invite").kind is kind


def test_the_page_of_errors_lists_each_type_under_its_class():
    page = Path(__file__).parents[2] / "docs" / "reference" / "errors.md"
    section = page.read_text(encoding="utf-8").partition("## Unipile\n")[2].partition("\n## ")[0]
    cells = [line.split("|") for line in section.splitlines() if line.startswith("| ")]
    listed = {one[1].strip(): set(re.findall(r"`(\w+)`", one[2])) for one in cells}
    assert {one.value for one in C} <= listed.keys()
    assert {kind: listed[kind.value] for kind in TYPES} == TYPES
