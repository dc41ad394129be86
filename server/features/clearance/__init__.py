"""Clearance: signed statements that a delisted value is not listed."""
