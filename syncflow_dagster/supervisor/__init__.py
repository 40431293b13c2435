"""The supervisor behind ``syncflow dev``: PostgreSQL, Dagster's services, and what keeps them well.

Only this package and Dagster's shell import Dagster, and here only inside functions: the command
line stays quick.
"""

from __future__ import annotations

from syncflow_dagster.supervisor.processes import Service
from syncflow_dagster.supervisor.stack import SupervisorError, run

__all__ = ["Service", "SupervisorError", "run"]
