"""Ports for servers that are told their port before they start."""

import os
import socket
from itertools import cycle

# Below the ports that systems give to clients (32768 and up on Linux): no connection takes one before its server does.
_LOWEST, _HIGHEST = 10_000, 32_000
# Processes of one test run begin far apart, so that they do not choose the same.
_BEGIN = _LOWEST + os.getpid() * 997 % (_HIGHEST - _LOWEST)
_PORTS = cycle((*range(_BEGIN, _HIGHEST), *range(_LOWEST, _BEGIN)))


def free_port() -> int:
    """Return a port that has no server, a different one in every call."""
    for port in _PORTS:
        with socket.socket() as tried:
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError
