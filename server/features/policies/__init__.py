"""The release policy: its change under dual control, and cases that test it."""
