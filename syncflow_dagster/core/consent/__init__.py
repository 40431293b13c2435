"""The rules of consent: what a policy asks about a record, and what its answers come to."""
