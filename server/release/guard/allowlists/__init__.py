"""Allowlists of harmless values: lists by others and our own, as data, each with its purpose."""
