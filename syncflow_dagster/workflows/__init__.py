"""Workflow files, read into typed and validated models."""
