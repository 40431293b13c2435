"""Conformance suites and crash tools, usable by others."""
