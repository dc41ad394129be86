"""Private matching: the rights to match against a collection, and the sets of its values under each key."""
