"""Let no process and no folder outlive the tests, even if those are killed."""

import contextlib
import ctypes
import fcntl
import multiprocessing
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

_SETPRIV = shutil.which("setpriv")
_PR_SET_PDEATHSIG = 1


def dying(*command: str, by: signal.Signals = signal.SIGKILL) -> list[str]:
    """Return a command whose process gets this signal when the thread that started it ends."""
    # Not with ``preexec_fn``, which newer Pythons warn of where there are threads.
    return [_SETPRIV, "--pdeathsig", by.name.removeprefix("SIG"), *command] if _SETPRIV else list(command)


def die_with_parent() -> None:
    """Kill this process when the thread that started or forked it ends."""
    with contextlib.suppress(OSError, AttributeError):  # only Linux has it
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    parent = multiprocessing.parent_process()
    if parent is not None and not parent.is_alive():
        os._exit(1)


class OwnFolder:
    """A new folder, which a later run removes if this one is killed."""

    def __init__(self, prefix: str, parent: Path | None = None) -> None:
        """Create it in ``parent``, and remove those of the same ``prefix`` whose processes are gone."""
        parent = parent or Path(tempfile.gettempdir())
        with _locked(parent):
            for old in parent.glob(f"{prefix}*"):
                with contextlib.suppress(OSError), _locked(old, fcntl.LOCK_NB):
                    shutil.rmtree(old, ignore_errors=True)
            self.path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
            self._lock: int | None = os.open(self.path, os.O_RDONLY)
            # Locks of a process end with it.
            fcntl.flock(self._lock, fcntl.LOCK_EX)

    def remove(self) -> None:
        """Remove it with everything in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


@contextlib.contextmanager
def _locked(folder: Path, how: int = 0) -> Iterator[None]:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | how)
        yield
    finally:
        os.close(opened)
