"""The release rules: what may leave, and to whom."""
