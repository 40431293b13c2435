"""The benchmark of idling: what workflows with nothing to do cost above Dagster's own idling."""

from syncflow_dagster.testing.bench.idle.run import run

__all__ = ["run"]
