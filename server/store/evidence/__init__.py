"""Files of evidence: what is known of each, whose it is, and who had it."""
