"""What each node does, free of Dagster."""
