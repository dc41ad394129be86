"""Trends: figures by day and month, delays, fairness, and the quality of each source."""
