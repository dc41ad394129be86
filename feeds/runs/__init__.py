"""Runs of feeds: pulls and pushes, their schedule, leases, retries."""
