"""Weeks of outreach in minutes: people who behave, a clock that is moved, and a judge."""
