"""Uploads: a file that a partner's user sends on the pages, read, corrected, and then contributed."""
