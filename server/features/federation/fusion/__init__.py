"""Hub reports in the fusion: stored reports as statements, by the rules of docs/federation.md for each origin."""
