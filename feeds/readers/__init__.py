"""Readers: convert the bytes of files and responses to rows."""
