"""Objections: received from anybody, looked up, told to the keeper, and decided by a person."""
