"""Providers of values: the listings that wait for their findings, and the findings."""
