"""Allowlists of harmless values: others' lists and our own, as data, each with its purpose."""
