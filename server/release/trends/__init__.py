"""Trends: what happened by day and month, how soon, how fairly, and how good each source is."""
