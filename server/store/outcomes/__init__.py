"""Outcomes with totals: the actions stated by partners, and their sums."""
