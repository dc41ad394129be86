"""The read steps of each partner in each collection."""
