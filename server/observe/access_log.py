"""The access log: one line a request, with ids and counts, never a URL, a filter's value or a secret."""

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
    """Writes each request as ``key=value`` through the application's log, or as a JSON document of its own."""

    def __init__(self, form: Form) -> None:
        """Write lines of ``form``: text, json, or none."""
        self._form = form
        if form == "json":
            # A line is one document and nothing else.
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
        # Half the time of a log line goes into finding its caller, which is always this one.
        log.handle(logging.LogRecord(log.name, logging.INFO, __file__, 0, line, None, None))


@lru_cache(maxsize=4096)
def _pair(name: str, value: object) -> str:
    """Return ``name=value``, quoted so that a space or a quote in the value does not make two."""
    text = str(value)
    is_word = text.isascii() and text.replace("-", "").replace(".", "").isalnum()
    return f"{name}={text if is_word else orjson.dumps(text).decode()}"
