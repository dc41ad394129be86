"""Objections of people against listings, each open until somebody has decided, or its time has come."""
