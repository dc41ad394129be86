"""Proposals: what one person proposes and another confirms before it is done."""
