"""The pull node: rows of a SQL query as Arrow batches."""
