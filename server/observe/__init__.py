"""Observation of the server: metrics, the access log, and the audit trail of every answered request."""

from server.observe.observer import AnsweredRequest, RequestObserver, known_method

__all__ = ["AnsweredRequest", "RequestObserver", "known_method"]
