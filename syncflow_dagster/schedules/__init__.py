"""Time triggers as Dagster schedules."""
