"""A low-priority process that seals next to the server, started when there is much to seal.

Sealing in a thread of a server's worker would delay its requests.
"""

import os
import select
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import orjson

from server.features.ledger.keys import BadLedgerKey, load
from server.store import Store, StoreUnavailable
from server.store.ledger import sealing

# Use only idle processor time.
_NICENESS = 19
_LOOK_SECONDS = 1.0
_SEALED, _FAILED = b"+\n", b"-\n"


class SealingProcess:
    """Seals the database at one URL; started when first needed, and restarted if it ended."""

    def __init__(self, url: str, key_file: Path, host: str) -> None:
        """Sign with the keys of a file."""
        self._given = {"url": url, "key_file": str(key_file), "host": host}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process_id(self) -> int | None:
        """The process that seals now, None before it is needed."""
        return None if self._process is None else self._process.pid

    def seal(self, goes_on: Callable[[], bool]) -> bool:
        """Seal all new entries, and return whether this was completed; ``goes_on`` says whether to continue."""
        process = self._running()
        if process.stdin is None or process.stdout is None:
            return False
        try:
            process.stdin.write(b"\n")
            process.stdin.flush()
            while not select.select([process.stdout], [], [], _LOOK_SECONDS)[0]:
                if not goes_on():
                    self.stop()
                    return False
            answer = process.stdout.readline()
        except OSError:
            answer = b""
        if not answer:
            self.stop()
        return answer == _SEALED

    def stop(self) -> None:
        """End the process; entries that it has not stored are sealed later."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.stop()
        # Pass the database's password by standard input: other users can see a process's arguments.
        self._process = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-P", "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        if self._process.stdin is not None:
            self._process.stdin.write(orjson.dumps(self._given) + b"\n")
        return self._process


def main() -> None:
    """Seal whenever a line comes in; end with the parent process."""
    os.nice(_NICENESS)
    given = orjson.loads(sys.stdin.buffer.readline())
    store = Store.open(given["url"])
    while sys.stdin.buffer.readline():
        try:
            keys = load(store, Path(given["key_file"]), given["host"])
            while sealing.step(store, keys.name, keys.sign).more:
                pass
            answer = _SEALED
        except (BadLedgerKey, StoreUnavailable):
            answer = _FAILED
        sys.stdout.buffer.write(answer)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
