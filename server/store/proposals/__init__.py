"""Proposals under dual control: one person proposes, and another confirms before execution."""
