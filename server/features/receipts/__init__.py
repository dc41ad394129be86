"""Receipts for withdrawn objects."""
