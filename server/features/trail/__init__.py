"""Reads that the audit trail records."""
