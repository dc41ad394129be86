"""How fast the parts are, as ratios to something fixed that is measured in the same run."""
