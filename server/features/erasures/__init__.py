"""Erasures of values."""
