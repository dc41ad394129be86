"""Commands about proof: evidence, and statements for a court."""
