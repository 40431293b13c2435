"""How many cases the properties of this folder are tried with.

`pytest tests/core -k property --hypothesis-profile=thorough` tries each with 10,000.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "thorough", max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
