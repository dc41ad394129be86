"""Feeds: formats and connectors, the mapping of their items, and the runs and the schedule of connectors."""
