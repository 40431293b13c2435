"""Other ways to the same end, on the same rows: how long they take, and that they end right.

Peers that need packages of their own run as programs in an environment of their own
(`make bench` makes it). None of them normalises, so they get rows that are normalised already; the
hand-made way gets the raw rows. Each must find the changes that were made, or the run ends.
"""
