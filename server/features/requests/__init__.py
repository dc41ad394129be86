"""Requests between institutions: to freeze, trace or return money, and the responses."""
