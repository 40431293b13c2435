"""Dagster resources: configuration only; clients are built in methods."""
