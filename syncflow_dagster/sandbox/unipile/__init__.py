"""A fake Unipile: LinkedIn accounts behind an HTTP API."""
