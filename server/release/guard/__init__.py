"""The guard: whether a contributed object may be published at all."""
