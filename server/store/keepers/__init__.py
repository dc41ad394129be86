"""Keepers: since when each waits to answer for what it keeps, and what it answered."""
