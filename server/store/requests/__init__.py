"""Requests between institutions: who asked whom for what, and each step."""
