"""The release engine as partners use it: reports posted over HTTP to ``scamfeed serve`` from another process."""

from benchmarks.release.databases import KINDS
from benchmarks.release.rows import rows

DATABASES = tuple(KINDS)

__all__ = ["DATABASES", "rows"]
