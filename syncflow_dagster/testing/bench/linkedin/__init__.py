"""The benchmark of outreach: what finding the due leads costs, among few and among many."""

from syncflow_dagster.testing.bench.linkedin.run import run

__all__ = ["run"]
