"""Why a delta could not be built. In every case nothing of the batch was written."""

from __future__ import annotations


class DeltaError(RuntimeError):
    """A delta could not be built; the text says why and what would be right."""


class DeltaBusy(DeltaError):
    """Another process builds the same node's delta right now."""


class MissingColumn(DeltaError):
    """The source gave no column that a field is read from."""


class DeleteGuard(DeltaError):
    """More records would be deleted than the node allows."""


class DeltaDefinitionError(DeltaError):
    """The node's definition cannot be used, or does not fit its tables."""
