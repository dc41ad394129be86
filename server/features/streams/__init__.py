"""Streams of the changes of collections, for readers that want each change within a second or two."""
