"""The TAXII server, compared with nginx serving the same pages as files and SQLite inserting the same rows."""

from benchmarks.taxii.rows import rows

__all__ = ["rows"]
