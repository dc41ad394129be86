"""Reports: what partners contribute, and how they are retracted."""
