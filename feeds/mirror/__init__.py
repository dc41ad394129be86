"""The partner's own copy of its collections, kept current beside its hubs, and asked at payment time."""

from feeds.mirror.check import Mirror

__all__ = ["Mirror"]
