"""Backup and restore of a whole hub: database, keys, the files named by its settings, and stored evidence."""
