"""The gate: the rules of listing apply to every way out of the hub.

``leaving`` decides whether a value may leave, ``rechecking`` delists values that became harmless, and ``ways`` is the
registry of the ways out.
"""
