"""Sandboxes, in which the clients of partners rehearse with synthetic listings."""
