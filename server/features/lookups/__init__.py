"""Look-ups: what a hub knows of a value, for one reader."""
