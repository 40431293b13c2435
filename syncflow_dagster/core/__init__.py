"""Pure rules: no I/O, no Dagster, nothing of ours imported from other rooms."""
