"""The steps by which each partner read each collection."""
