"""A large CSV over HTTP is streamed in and read in bounded memory, and the hub answers others meanwhile."""

import os
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.features.uploads.drafts import State
from tests.integration.uploads.conftest import OTHER, PATH, UploadHub

MIB = 1 << 20
SIZE = int(os.environ.get("MEBIBYTES", "10")) * MIB
# Mebibytes that the server may use more than before, and that the process that reads may use.
MOST_MORE, MOST_OF_READER = 100, 300
# Seconds for a page of another partner's person on a busy machine.
LONGEST_PAGE = 20.0
_LINE = "site-{}.example.com,CASE-{},a page that asks for a fee" + " and asks again" * 14 + "\n"
_BOUNDARY = "a-boundary-that-no-line-has"
_READER = b"server.features.uploads.reading"


class Form:
    """The body of the form with a generated file, of which at most a mebibyte is in memory."""

    def __init__(self, token: str) -> None:
        self.rows = 0
        part = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
        fields = part % ("token", token) + part % ("country", "TH")
        named = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="large.csv"\r\n\r\n'
        self._before, self._after = f"{fields}{named}".encode(), f"\r\n--{_BOUNDARY}--\r\n".encode()

    def __len__(self) -> int:
        return len(self._before) + SIZE + len(self._after)

    def __iter__(self) -> Iterator[bytes]:
        yield self._before
        yield from self._file()
        yield self._after

    def _file(self) -> Iterator[bytes]:
        block, left = b"domain,reference,description\n", SIZE
        while True:
            line = _LINE.format(self.rows, self.rows).encode()
            if len(block) + len(line) > left:
                # Blanks at the end of the last line make the size exact.
                yield block[:-1] + b" " * (left - len(block)) + b"\n"
                return
            block, self.rows = block + line, self.rows + 1
            if len(block) > MIB // 2:
                yield block
                left, block = left - len(block), b""


class MemoryWatch(threading.Thread):
    """Notes the memory of all processes below this one: by how much a server grew, and the most of a reader."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._first: dict[int, int] = {}
        self.growth, self.reader, self.over = 0, 0, threading.Event()

    def run(self) -> None:
        while not self.over.is_set():
            for pid in _below(os.getpid()):
                used = _used(pid)
                if used and _READER in Path(f"/proc/{pid}/cmdline").read_bytes():
                    self.reader = max(self.reader, used)
                else:
                    self.growth = max(self.growth, used - self._first.setdefault(pid, used))
            self.over.wait(0.05)


def _below(pid: int) -> Iterator[int]:
    try:
        tasks = [*Path(f"/proc/{pid}/task").iterdir()]
        children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return
    for child in children:
        yield child
        yield from _below(child)


def _used(pid: int) -> int:
    """Return the mebibytes that a process uses, 0 if it has ended."""
    try:
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(found[1]) // 1024 if found else 0


class OtherPerson(threading.Thread):
    """Opens the form of another partner again and again, and notes the slowest answer in seconds."""

    def __init__(self, hub: UploadHub) -> None:
        super().__init__(daemon=True)
        self._person = hub.person(OTHER)
        self.slowest, self.answers, self.over = 0.0, 0, threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.2):
            begun = time.monotonic()
            assert self._person.get(PATH).status_code == 200
            self.slowest, self.answers = max(self.slowest, time.monotonic() - begun), self.answers + 1


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_large_csv_is_uploaded_and_read_in_bounded_memory(hub: UploadHub) -> None:
    person, other, memory = hub.person(), OtherPerson(hub), MemoryWatch()
    person.get(PATH)
    form = Form(person.token())
    kind = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}", "Accept": "text/html"}
    memory.start()
    other.start()
    begun = time.monotonic()
    answer = person.session.post(person.address + PATH, form, headers=kind, allow_redirects=False, timeout=1_800)
    uploaded = time.monotonic() - begun
    assert answer.status_code == 303, answer.text
    id_ = answer.headers["Location"].rpartition("/")[2]
    upload = person.wait(id_, State.READY, State.FAILED, seconds=3_000)
    read = time.monotonic() - begun - uploaded
    for thread in (memory, other):
        thread.over.set()
        thread.join()
    print(  # noqa: T201 - the figures of the test
        f"{SIZE // MIB} MiB of CSV, {form.rows:,} rows: uploaded in {uploaded:.0f} s, read in {read:.0f} s; "
        f"the server grew by {memory.growth} MiB, the reader used {memory.reader} MiB; "
        f"the slowest of {other.answers} pages of another partner took {other.slowest:.1f} s"
    )
    assert (upload.size, dict(upload.report.counts)) == (SIZE, {"ready": form.rows})
    assert memory.growth < MOST_MORE
    assert 0 < memory.reader < MOST_OF_READER
    assert other.answers
    assert other.slowest < LONGEST_PAGE
