"""Speeds of the parts, as ratios to something fixed that is measured in the same run."""
