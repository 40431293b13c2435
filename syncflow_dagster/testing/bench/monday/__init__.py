"""The monday benchmark: how much of an account's allowance is used, and by how many requests."""

from syncflow_dagster.testing.bench.monday.run import run

__all__ = ["run"]
