"""Referrals of account holders who act under coercion."""
