"""SyncFlow on Dagster: operational syncs whose effects reach the outside world once."""
