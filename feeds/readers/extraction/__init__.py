"""Extraction: the indicators that running text names."""
