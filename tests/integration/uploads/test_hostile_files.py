"""Files that lie, explode or pretend: each gets an answer, and the hub goes on."""

import io
import socket
import zipfile
from collections.abc import Callable
from functools import cache
from urllib.parse import urlsplit

import pytest
import xlsxwriter

from feeds.mapping.preview import REFUSED
from server.features.uploads.drafts import State
from tests.integration.uploads.conftest import PATH, UploadHub

MIB = 1 << 20


@cache
def _bomb() -> bytes:
    """Return a small workbook whose sheet unpacks to 64 MiB."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    book.add_worksheet().write(0, 0, "domain")
    book.close()
    made = io.BytesIO()
    with zipfile.ZipFile(out) as read, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as written:
        for entry in read.infolist():
            if entry.filename != "xl/worksheets/sheet1.xml":
                written.writestr(entry, read.read(entry))
        with written.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write(b"<worksheet><sheetData>")
            for _ in range(16):
                sheet.write(b" " * (4 * MIB))
            sheet.write(b"</sheetData></worksheet>")
    return made.getvalue()


FILES: dict[str, Callable[[], tuple[str, bytes]]] = {
    "a zip bomb": lambda: ("bomb.xlsx", _bomb()),
    "a picture as a workbook": lambda: ("picture.xlsx", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 50),
    "a workbook without its end": lambda: ("cut.xlsx", _bomb()[:900]),
    "nothing that a PDF has": lambda: ("letter.pdf", b"%PDF-1.7\n" + b"\x00" * 5_000),
}


@pytest.mark.long_but("a workbook without its end")
@pytest.mark.parametrize("what", FILES)
def test_file_that_cannot_be_read_says_why(hub: UploadHub, what: str) -> None:
    person = hub.person()
    name, content = FILES[what]()
    upload = person.read(name, content)
    # Bytes may also pass for lines of text, none of which is a value.
    assert upload.state is State.FAILED or {*upload.report.counts} == {REFUSED}, upload
    assert upload.state is State.READY or upload.report.error
    page = person.get(f"{PATH}/{upload.id}")
    assert page.status_code == 200
    assert person.post(f"{PATH}/{upload.id}/send").status_code == 422
    person.post(f"{PATH}/{upload.id}/discard")


def test_empty_and_missing_files_are_named(hub: UploadHub) -> None:
    person = hub.person()
    assert "The file is empty." in person.post(PATH, files={"file": ("none.csv", b"")}).text
    assert "Choose a file first." in person.post(PATH).text
    assert person.post(PATH, data={"country": "Siam"}, files={"file": ("a.csv", b"domain\n")}).status_code == 422


def _head(hub: UploadHub, length: int, cookie: str = "") -> bytes:
    """Send the head of a long form, and return the response to it."""
    where = urlsplit(hub.address)
    with socket.create_connection((where.hostname or "", where.port or 0), timeout=60) as connection:
        head = f"POST {PATH} HTTP/1.1\r\nHost: {where.netloc}\r\nAccept: text/html\r\n{cookie}"
        head += f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {length}\r\n\r\n--x\r\n"
        connection.sendall(head.encode())
        return connection.recv(65_536)


def test_file_of_a_visitor_is_refused_before_it_is_read(hub: UploadHub) -> None:
    assert _head(hub, 50 * MIB).startswith(b"HTTP/1.1 303")


def test_file_that_is_too_large_is_refused_before_it_is_read(hub: UploadHub) -> None:
    cookie = f"Cookie: session={hub.person().session.cookies['session']}\r\n"
    answer = _head(hub, 101 * MIB, cookie)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"This is too large" in answer


def test_form_without_its_token_is_refused(hub: UploadHub) -> None:
    person = hub.person()
    answer = person.session.post(
        person.address + PATH, files={"file": ("a.csv", "domain\na.example.com\n")}, allow_redirects=False, timeout=60
    )
    assert answer.status_code == 403
