"""The whole round on real reports, in a temporary store: what ``scamfeed demo`` shows and the tests assert."""
