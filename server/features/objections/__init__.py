"""Objections: people object to a listing, and the desk decides."""
