"""Logging in: passwords, second factors, and the provider of another organisation."""
