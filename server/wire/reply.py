"""The head of an answer, as bytes."""

import time
from functools import lru_cache
from http import HTTPStatus

from server.taxii.answer import Answer
from server.taxii.media import TAXII

_PHRASES = {status.value: status.phrase for status in HTTPStatus}


def head_of(answer: Answer) -> bytes:
    """Write status line and headers, without the end."""
    more = "".join([f"{name}: {value}\r\n" for name, value in answer.headers])
    status = f"HTTP/1.1 {answer.status} {_PHRASES[answer.status]}\r\n"
    return f"{status}Content-Type: {TAXII}\r\nContent-Length: {len(answer.body)}\r\n{more}".encode("latin-1")


def head_as_said(status: str, headers: list[tuple[str, str]], length: int) -> bytes:
    """Write what a WSGI application said, without the end; a length that it gave stands."""
    lines = [f"{name}: {value}\r\n" for name, value in headers]
    if not any(name.lower() == "content-length" for name, _ in headers):
        lines.append(f"Content-Length: {length}\r\n")
    return f"HTTP/1.1 {status}\r\n{''.join(lines)}".encode("latin-1")


def date() -> bytes:
    """Write the Date header."""
    return _date(int(time.time()))


@lru_cache(maxsize=4)
def _date(second: int) -> bytes:
    return time.strftime("Date: %a, %d %b %Y %H:%M:%S GMT\r\n", time.gmtime(second)).encode()
