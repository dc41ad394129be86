"""A partner's own copy of its collections, synced with its hubs and checked at payment time."""

from feeds.client.mirror.check import Mirror

__all__ = ["Mirror"]
