"""Values that an operator entered as harmless."""
