"""The access log: one line per request, with ids and counts, but without URLs, filter values or secrets."""

import logging
import sys
from functools import lru_cache
from typing import Literal

import orjson

from server.observe.observer import AnsweredRequest
from server.store.database.times import now, stamp

Form = Literal["text", "json", "off"]

log = logging.getLogger("scamfeed.access")


class AccessLog:
    """Writes each request as ``key=value`` through the application's log, or as a separate JSON document."""

    def __init__(self, form: Form) -> None:
        """Write lines in ``form``: text, json, or off."""
        self._form = form
        if form == "json":
            # Each line must be exactly one JSON document.
            handler = logging.StreamHandler(sys.stderr)
            handler.setFormatter(logging.Formatter("%(message)s"))
            log.handlers[:] = [handler]
        log.propagate = form == "text"

    def note(self, request: AnsweredRequest) -> None:
        """Write the line of a request."""
        if self._form == "off" or not log.isEnabledFor(logging.INFO):
            return
        fields = {
            "partner": request.partner,
            "from": request.remote or None,
            "method": request.method,
            "route": request.route,
            "collection": request.collection,
            "status": request.status,
            "ms": round(request.seconds * 1000, 1),
            "in": request.objects_in or None,
            "out": request.objects_out or None,
            "error_id": request.error_id,
        }
        if self._form == "json":
            known = {name: value for name, value in fields.items() if value is not None}
            line = orjson.dumps({"at": stamp(now()), "event": "request", **known}).decode()
        else:
            line = "request " + " ".join([_pair(name, value) for name, value in fields.items() if value is not None])
        # Finding the caller takes half the time of a log line, and it is always this one.
        log.handle(logging.LogRecord(log.name, logging.INFO, __file__, 0, line, None, None))


@lru_cache(maxsize=4096)
def _pair(name: str, value: object) -> str:
    """Return ``name=value``, quoted so that spaces and quotes in the value stay unambiguous."""
    text = str(value)
    is_word = text.isascii() and text.replace("-", "").replace(".", "").isalnum()
    return f"{name}={text if is_word else orjson.dumps(text).decode()}"
