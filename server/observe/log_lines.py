"""Log lines as JSON documents, one a line, for collectors of logs."""

import logging

import orjson

from server.store.database.times import now, stamp


class LogDocuments(logging.Formatter):
    """Writes a record as one document: its time, level, logger and message, and the trace of its error."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the document."""
        document = {
            "at": stamp(now()),
            "event": "log",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            document["trace"] = self.formatException(record.exc_info)
        return orjson.dumps(document, default=str).decode()


def write_json() -> None:
    """Let the log of this process write documents."""
    for handler in logging.getLogger().handlers:
        handler.setFormatter(LogDocuments())
