"""Private matching: the keys, and the sets of tags and rows that partners match their values against."""
