"""Routing: which partners may see an object."""
