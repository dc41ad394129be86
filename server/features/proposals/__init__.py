"""Proposals: acts under dual control that wait for a second person."""
