"""Private matching: who may match against a collection, and the sets of its values under each key."""
