"""Feeds: the runs of connectors that people start."""
