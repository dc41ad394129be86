"""The TAXII server, beside nginx serving the same pages as files and SQLite taking the same rows."""

from benchmarks.taxii.rows import rows

__all__ = ["rows"]
