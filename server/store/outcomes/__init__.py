"""Outcomes with totals: what partners stated that they did, and the sums of it."""
