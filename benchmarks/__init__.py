"""Speeds of the parts, as ratios to a fixed reference that is measured in the same run."""
