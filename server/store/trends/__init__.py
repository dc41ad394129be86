"""Figures of what happened, by day: folded from the logs, off the way of contributions."""
