"""Names that payment systems take in place of an account: the systems there are, and what their aliases look like."""
