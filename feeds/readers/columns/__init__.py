"""Columns: what the columns and cells of tables mean, in several languages."""
