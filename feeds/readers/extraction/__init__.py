"""Extraction: the values that running text names as part of a scam."""
