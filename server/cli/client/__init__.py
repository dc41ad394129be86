"""Commands that a partner runs at its own place: its copy of the feed, private matching, a look at a hub."""
