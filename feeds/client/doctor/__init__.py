"""Tests a hub from a client's position, and explains problems and their solutions in plain words."""
