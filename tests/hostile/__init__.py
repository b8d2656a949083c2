"""Hostile objects: every hook that can run during a copy, crossed with everything it may do, at every place of a graph.

`harness.py` explains how; `python -m tests.hostile --help` runs as much of it as wanted.
"""
