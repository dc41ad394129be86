"""The policies that were in force, one after the other."""
