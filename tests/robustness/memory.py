"""The memory of a running server."""

import os
from pathlib import Path

from tests.conformance.deployment import Deployment


def memory(server: Deployment) -> int:
    """Count the bytes that the server's processes have in memory."""
    parent = server.process.pid
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in [str(parent), *children])
    return pages * os.sysconf("SC_PAGE_SIZE")
