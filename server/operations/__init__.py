"""The acts of a hub: each is an operation, which every front end runs in the same way."""
