"""Incidents: many wrong reports, held, released or retracted together by two persons."""
