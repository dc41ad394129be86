"""Extraction: finds the values that running text mentions as part of a scam."""
