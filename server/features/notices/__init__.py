"""Signed statements of the versions that partners received."""
