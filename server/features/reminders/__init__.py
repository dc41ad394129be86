"""Reminders by e-mail of deadlines that are near or past: at most one an hour and person, sent from an outbox."""
