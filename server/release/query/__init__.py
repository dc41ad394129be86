"""Queries on published data: the active set, look-ups, time lines, retraction receipts."""
