"""A low-priority process that checks the ledger of a store once, and stores its findings."""

import os
import subprocess
import sys

import orjson

from server.store import Store
from server.store.ledger import checking, findings
from server.store.ledger.findings import LedgerFindings

# Use only idle processor time.
_NICENESS = 19


def check(store: Store) -> LedgerFindings:
    """Check the ledger of a store, and store the findings."""
    found = checking.check_all(store)
    with store.begin(in_passing=True) as tx:
        findings.store(tx, found)
        return findings.last(tx)


def begin(url: str) -> "subprocess.Popen[bytes]":
    """Begin a process that checks the ledger of the database at a URL."""
    process = subprocess.Popen(  # noqa: S603 - ourselves
        [sys.executable, "-P", "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    if process.stdin is not None:
        # It contains the database's password: other users can see a process's arguments.
        process.stdin.write(orjson.dumps(url))
        process.stdin.close()
    return process


def main() -> None:
    """Check the store whose URL is on standard input."""
    os.nice(_NICENESS)
    store = Store.open(orjson.loads(sys.stdin.buffer.read()))
    try:
        check(store)
    finally:
        store.close()


if __name__ == "__main__":
    main()
