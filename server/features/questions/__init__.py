"""Questions to the reporters of a value, and their replies."""
