"""Outreach on LinkedIn through Unipile: leads, their sequences, and what comes back."""
