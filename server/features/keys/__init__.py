"""The keys by which the hub signs."""
