"""The process that reads a hostile file ends with a clear error, in bounded time and memory."""

import io
import os
import re
import shutil
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import NamedTuple

import pytest

from mappers import ids
from schemas.partner import Partner, PartnerKind
from server.features.uploads import drafts, reading
from server.features.uploads.drafts import State, Upload, UploadSettings
from server.operations.operation import Actor
from server.store import Store, partners

MIB = 1 << 20
BANK = "First Bank"
# Kibibytes of a reading, with the interpreter and the program, and its processor seconds, on any machine.
MOST_MEMORY, MOST_SECONDS = 600 * 1024, 120.0
# Mebibytes of the process that reads a large file, which is read piece by piece.
MOST_OF_LARGE = 250
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


class Reading(NamedTuple):
    """The upload after a reading, and what its process used: kibibytes and processor seconds."""

    upload: Upload
    memory: int
    seconds: float


@pytest.fixture
def store(initial_store: Path, tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{shutil.copy(initial_store, tmp_path / 'hub.db')}")
    with opened.begin() as tx:
        identity = ids.identity(BANK)
        partners.add(tx, Partner(name=BANK, kind=PartnerKind.BANK, country="TH", identity=identity, vouched=True))
    yield opened
    opened.close()


@pytest.fixture
def read(store: Store) -> Callable[[str, bytes], Reading]:
    """Read a file in a process of its own, as the servers do."""

    def run(name: str, content: bytes) -> Reading:
        actor = Actor("Somchai", "partner-writer", BANK)
        with store.begin() as tx:
            id_ = drafts.add(tx, BANK, actor, name, len(content), UploadSettings(country="TH"))
        reading.store_file(store, id_, io.BytesIO(content))
        with store.begin() as tx:
            upload = drafts.claim(tx, [State.WAITING], "worker")
        assert upload is not None
        process = reading.begin_reading(store.url, upload, "")
        # The kernel's figure of an ended process counts the memory of the process that began it too.
        memory, ended = 0, 0
        while not ended:
            memory = max(memory, _most_memory(process.pid))
            time.sleep(0.005)
            ended, status, used = os.wait4(process.pid, os.WNOHANG)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, process.returncode
        with store.read() as tx:
            return Reading(drafts.find(tx, id_), memory, used.ru_utime + used.ru_stime)

    return run


def _most_memory(pid: int) -> int:
    """Return the most kibibytes that a process has used so far, 0 if it has ended."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) if found else 0


def _nested_zip() -> bytes:
    """Return an archive of a workbook whose sheet unpacks to 1 GiB of blanks."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr(
            "[Content_Types].xml",
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override '
            'PartName="/xl/workbook.xml" '
            'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>',
        )
        archive.writestr("xl/workbook.xml", "<workbook/>")
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write(b"<worksheet><sheetData>")
            for _ in range(256):
                sheet.write(b" " * (4 * MIB))
    return made.getvalue()


ENCRYPTED_PDF = b"""%%PDF-1.4
1 0 obj <</Type /Catalog /Pages 2 0 R>> endobj
2 0 obj <</Type /Pages /Kids [3 0 R] /Count 1>> endobj
3 0 obj <</Type /Page /Parent 2 0 R /MediaBox [0 0 99 99]>> endobj
4 0 obj <</Filter /Standard /V 1 /R 2 /P -4 /O <%s> /U <%s>>> endobj
trailer <</Root 1 0 R /Size 5 /Encrypt 4 0 R /ID [<00> <00>]>>
%%%%EOF
""" % (b"ab" * 32, b"cd" * 32)


HOSTILE: dict[str, Callable[[], tuple[str, bytes]]] = {
    "a workbook that unpacks to a gibibyte": lambda: ("bomb.xlsx", _nested_zip()),
    "a million columns": lambda: ("wide.csv", f"domain{',c' * MIB}\nfine.example.com{',1' * MIB}\n".encode()),
    "a line of 100 MiB": lambda: ("line.csv", b"domain\n" + b"a" * (100 * MIB - 7)),
    "deep JSON": lambda: ("deep.json", b'{"a":' * 200_000 + b"1" + b"}" * 200_000),
    "deep JSON lists": lambda: ("deep.json", b"[" * 1_000_000),
    "an encrypted workbook": lambda: ("locked.xlsx", _OLE + bytes(512) + "EncryptedPackage".encode("utf-16-le")),
    "an encrypted PDF": lambda: ("locked.pdf", ENCRYPTED_PDF),
}


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_file_ends_with_an_error_in_bounded_time_and_memory(
    read: Callable[[str, bytes], Reading], what: str
) -> None:
    found = read(*HOSTILE[what]())
    report = found.upload.report
    assert set(report.counts) <= {"refused"}, report
    assert report.error or report.not_read or report.counts, report
    assert found.upload.state is State.READY or report.error
    assert 0 < found.memory < MOST_MEMORY
    assert found.seconds < MOST_SECONDS


def test_extension_that_lies_does_not_matter(read: Callable[[str, bytes], Reading]) -> None:
    assert read("accounts.pdf", b"domain\nlying-name.example.com\n").upload.report.counts == {"ready": 1}


@pytest.mark.long
@pytest.mark.timeout(1_800)
def test_large_file_takes_the_memory_of_a_small_one(store: Store) -> None:
    rows = 400_000 * int(os.environ.get("MEBIBYTES", "10")) // 100
    line = "site-{}.example.com,CASE-{},a page that asks for a fee" + " and asks again" * 14 + "\n"
    with TemporaryFile() as file:
        file.write(b"domain,reference,description\n")
        file.writelines(line.format(number, number).encode() for number in range(rows))
        size = file.tell()
        file.seek(0)
        with store.begin() as tx:
            id_ = drafts.add(tx, BANK, Actor("Somchai", "partner-writer", BANK), "large.csv", size, UploadSettings())
        reading.store_file(store, id_, file)
    with store.begin() as tx:
        upload = drafts.claim(tx, [State.WAITING], "worker")
    assert upload is not None
    process, peak = reading.begin_reading(store.url, upload, ""), 0
    while process.poll() is None:
        peak = max(peak, _most_memory(process.pid) // 1024)
        time.sleep(0.1)
    with store.read() as tx:
        report = drafts.find(tx, id_).report
    print(f"{size // MIB} MiB of CSV, {rows:,} rows: {peak} MiB in the process that reads them")  # noqa: T201
    assert report.counts == {"ready": rows}
    assert 0 < peak < MOST_OF_LARGE
