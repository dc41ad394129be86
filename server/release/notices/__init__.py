"""Proof of notice: the signed statement of what a partner was told about a value, and its page on paper."""
