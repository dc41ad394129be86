"""Findings of providers about their accounts."""
