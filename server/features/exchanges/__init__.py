"""Exchanges: collections that their members write directly."""
