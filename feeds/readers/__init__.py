"""Readers: the bytes of files and answers, as rows."""
