"""Reads a document in a process of its own, with limits of memory and time: its libraries have none."""

import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from threading import Timer
from typing import IO, Any, BinaryIO, cast

from feeds.errors import UnreadableFile
from feeds.readers.documents.parts import Failed, Part, frame, frames

# A module of this package reads each of these.
READERS = ("chat", "html", "mail", "outlook", "pdf", "sheets", "word")
_MEMORY = 1536 << 20
_SECONDS = 120
# Most bytes of the parts of one document.
_MOST = 256 << 20
_BLOCK = 1 << 18
_OUT_OF_MEMORY = "this document needs too much memory: split it, or save its tables as CSV"
_OUT_OF_TIME = f"this document takes more than {_SECONDS} seconds to read: split it, or save its tables as CSV"
_DAMAGED = "this document is damaged, or not what its name says: save it again"
_PROTECTED = "this document is protected by a password: save it without one, and send it again"
# Of PDF, and of Word and Excel, whose encrypted files are archives of the older format.
_ENCRYPTED = (b"/Encrypt", "EncryptedPackage".encode("utf-16-le"))


def parts_apart(reader: str, file: BinaryIO, name: str = "") -> Iterator[Part]:
    """Yield the parts of a document in a file with a name on the disk. Raises ``UnreadableFile``.

    ``reader`` is one of ``READERS``, ``name`` the document's own name, which is only a hint.
    """
    command = [sys.executable, "-P", "-m", f"{__package__}.apart", reader, file.name, name]
    with _running(command) as (output, is_late):
        for part in frames(iter(lambda: output.read1(_BLOCK), b"")):  # type: ignore[attr-defined]  # a buffered pipe has it
            if isinstance(part, Failed):
                raise UnreadableFile(part.message)
            yield part
        if is_late():
            raise UnreadableFile(_OUT_OF_TIME)


def parts_here(reader: str, file: BinaryIO, name: str = "") -> Iterator[Part]:
    """Yield the parts of a text document, whose reader needs no limits of its own. Raises ``UnreadableFile``."""
    yield from _module(reader).parts(file.name, name)


def _module(reader: str) -> Any:
    return import_module(f"{__package__}.{READERS[READERS.index(reader)]}")


@contextmanager
def _running(command: list[str]) -> Iterator[tuple[IO[bytes], Callable[[], bool]]]:
    """Run a command; yield its output, and whether it had to be ended. Raises ``UnreadableFile`` if it failed."""
    late: list[bool] = []
    # The program is this one; the arguments are a word, and a file that this process wrote.
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # noqa: S603
    output = cast("IO[bytes]", process.stdout)

    def end() -> None:
        late.append(True)
        process.kill()

    timer = Timer(_SECONDS * 1.5, end)
    timer.start()
    try:
        yield output, lambda: bool(late)
        if process.wait() and not late:
            ended = {-signal.SIGXCPU: _OUT_OF_TIME}
            raise UnreadableFile(ended.get(process.returncode, _OUT_OF_MEMORY if process.returncode < 0 else _DAMAGED))
    finally:
        timer.cancel()
        process.kill()
        output.close()
        process.wait()


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _is_protected(path: str, error: Exception) -> bool:
    """Return whether a document that could not be read needs a password."""
    data = Path(path).read_bytes()
    return "password" in repr(error).lower() or any(mark in data for mark in _ENCRYPTED)


def main(arguments: list[str]) -> None:
    """Write the parts of a document to the standard output: a reader, a path, and the document's name."""
    reader, path, name = arguments
    module = _module(reader)
    _limit()
    out, size = sys.stdout.buffer, 0
    try:
        for part in module.parts(path, name):
            framed = frame(part)
            size += len(framed)
            if size > _MOST:
                raise UnreadableFile(f"this document has more than {_MOST >> 20} MiB of text: split it")
            out.write(framed)
    except UnreadableFile as error:
        out.write(frame(Failed(str(error))))
    except MemoryError:
        out.write(frame(Failed(_OUT_OF_MEMORY)))
    except Exception as error:  # noqa: BLE001 - the libraries raise errors of any class for damaged files
        out.write(frame(Failed(_PROTECTED if _is_protected(path, error) else _DAMAGED)))
    out.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
