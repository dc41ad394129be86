"""The release rules: what may be published, and to which readers."""
