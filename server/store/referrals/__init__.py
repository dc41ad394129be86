"""Referrals: to whom a coerced account holder was referred for protection, and what came of it."""
