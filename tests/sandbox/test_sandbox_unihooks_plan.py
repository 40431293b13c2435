"""When a webhook comes follows from the settings and the event alone."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from syncflow_dagster.sandbox.unipile.delivery_plan import plan
from syncflow_dagster.sandbox.unipile.settings import Settings


@given(
    st.builds(
        Settings,
        webhook_delay_s=st.floats(0, 28_800),
        webhook_repeat=st.floats(0, 1),
        webhook_shuffle=st.floats(0, 1),
        webhook_drop=st.floats(0, 0.9),
        webhook_sibling=st.floats(0, 1),
    ),
    st.sampled_from(["new_relation", "message_received"]),
    st.integers(0, 50),
)
@settings(max_examples=60)
def test_the_plan_of_an_event_is_its_own(manners, event, number):
    coming = plan(manners, event, "acc", number)
    assert coming == plan(manners, event, "acc", number)
    # Whether it is lost leaves alone when it comes where it is not.
    assert coming in ([], plan(manners.changed({"webhook_drop": 0.0}), event, "acc", number))
    latest = (manners.webhook_delay_s if event == "new_relation" else 3.0) + 3_600.0
    assert all(0 <= one.after_s <= latest for one in coming)
    assert event == "new_relation" or all(one.sibling is None for one in coming)
