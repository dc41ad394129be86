"""The demonstration on real reports, in a temporary store: ``scamfeed demo`` shows it, and the tests check it."""
