"""Dispatch: reports of listed values by mail, as XARF, to registrars and networks that are no partners."""
