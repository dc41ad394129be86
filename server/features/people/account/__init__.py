"""A user's own password, second factors and sessions."""
