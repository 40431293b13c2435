"""Benchmarks: what a part costs beside what nobody could leave out, and beside other ways.

All figures of a ratio are measured in one run on one machine, taking turns, each from the same
stored state; seconds mean nothing elsewhere.
"""
