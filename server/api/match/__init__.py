"""Private matching: the keys, the sets and the endpoints."""
