"""Nodes of workflows as Dagster assets, checks and jobs."""
