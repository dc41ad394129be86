"""Collections that several partners may read."""
