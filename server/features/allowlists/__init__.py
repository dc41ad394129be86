"""Allowlists: values known to be harmless, in lists and in entries that operators add."""
