"""Local servers that behave like the services SyncFlow writes to, limits and faults included."""
