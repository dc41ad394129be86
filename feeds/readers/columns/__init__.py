"""Columns: the meaning of a file's columns and cells, in several languages."""
