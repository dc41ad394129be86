"""The hub as a whole: its store, its backups, and their restoration."""
