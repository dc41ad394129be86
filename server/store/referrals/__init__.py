"""Referrals of coerced account holders for protection, and their results."""
