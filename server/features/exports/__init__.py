"""Exports: files of the active indicators of a collection."""
