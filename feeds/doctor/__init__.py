"""Tries a hub as a client would, and says in plain words what is wrong and what to do about it."""
