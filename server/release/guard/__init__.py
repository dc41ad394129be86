"""The guard: decide whether a contributed object may be published at all."""
