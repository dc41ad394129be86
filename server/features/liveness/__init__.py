"""Liveness: whether listed names still exist, and whose they are now, by DNS and RDAP; no listed site is contacted."""
