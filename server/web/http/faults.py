"""Faults of a connection: each is answered, or ends the connection so that the client notices."""

import asyncio
import os
import socket
import struct
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar


class AnswersFaults(Protocol):
    """A connection that answers for its faults."""

    def answer_fault(self, fault: BaseException) -> None:
        """Answer the request that a fault stopped. End the connection if a part of its response is written."""


_Connection = TypeVar("_Connection", bound=AnswersFaults)
_Given = ParamSpec("_Given")
_Returned = TypeVar("_Returned")


def faults_answered(
    step: Callable[Concatenate[_Connection, _Given], _Returned],
) -> Callable[Concatenate[_Connection, _Given], _Returned | None]:
    """Return a step of a connection, after which the connection answers for a fault of the step."""

    @wraps(step)
    def guarded(connection: _Connection, /, *given: _Given.args, **named: _Given.kwargs) -> _Returned | None:
        try:
            return step(connection, *given, **named)
        except Exception as fault:  # noqa: BLE001 - every fault is answered, and logged with its cause
            connection.answer_fault(fault)
            return None

    return guarded


def reset(transport: asyncio.Transport) -> None:
    """Close a connection by a reset, where the end of the connection would be the end of a response."""
    if not transport.is_closing():
        with socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno())) as same:
            same.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
