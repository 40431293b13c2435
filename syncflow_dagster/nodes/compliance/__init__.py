"""The gate every write about a person passes, and what we hold about persons."""
