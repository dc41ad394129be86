"""Erasure: every trace of a value is removed, from the log and from all other tables."""
