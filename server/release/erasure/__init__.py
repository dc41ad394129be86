"""Erasure: the plan that two persons agree on, and the work that removes every trace of a value."""
