"""Queries on what is published: the active set, look-ups, time lines, retraction receipts."""
