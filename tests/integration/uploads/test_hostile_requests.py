"""Uploads over HTTP by a partner that means harm: names, bombs, wrong endings, and many files at once."""

import gzip
import io
import threading
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import pytest
import requests

from feeds.mapping.preview import REFUSED
from server.features.uploads.drafts import State
from server.features.uploads.operations import MOST_OPEN
from tests.integration.uploads.conftest import OTHER, PATH, Person, UploadHub

MIB = 1 << 20
ROWS = b"domain\nhostile-name.example.com\n"
NAMES = {
    "../../../etc/cron.d/rows.csv": "rows.csv",
    "/etc/passwd": "passwd",
    # The backslashes of a quoted name escape the next character.
    "C:\\Users\\rows.csv": "C:Usersrows.csv",
    "..": "file",
    "rows\u202evsc.exe.csv": "rowsvsc.exe.csv",
    "<script>alert(1)</script>.csv": "script>.csv",
    f"{'x' * 400}.csv": f"{'x' * 95}….csv",
}


@pytest.mark.long_but("0")
@pytest.mark.parametrize("given", NAMES, ids=range(len(NAMES)))
def test_name_of_a_file_is_one_line_without_folders(hub: UploadHub, given: str) -> None:
    person = hub.person()
    upload = person.read(given, ROWS)
    assert (upload.name, dict(upload.report.counts)) == (NAMES[given], {"ready": 1})
    assert "<script>" not in person.get(f"{PATH}/{upload.id}").text
    person.post(f"{PATH}/{upload.id}/discard")


def test_control_characters_of_a_name_are_not_stored_shown_or_logged(hub: UploadHub) -> None:
    person = hub.person()
    body = b'--x\r\nContent-Disposition: form-data; name="token"\r\n\r\n%s\r\n' % person.token().encode()
    body += b'--x\r\nContent-Disposition: form-data; name="file"; filename="a\x1b[31m\x07\x08b.csv"\r\n\r\n'
    body += ROWS + b"\r\n--x--\r\n"
    kind = {"Content-Type": "multipart/form-data; boundary=x", "Accept": "text/html"}
    answer = person.session.post(person.address + PATH, body, headers=kind, allow_redirects=False, timeout=60)
    assert answer.status_code == 303, answer.text
    upload = person.wait(answer.headers["Location"].rpartition("/")[2], State.READY, State.FAILED)
    assert upload.name.isprintable()
    assert upload.name.endswith("b.csv")
    assert not {"\x1b", "\x07", "\x08"} & set(person.get(f"{PATH}/{upload.id}").text + hub.log.read_text())
    person.post(f"{PATH}/{upload.id}/discard")


@cache
def _gzip_of_zeros() -> bytes:
    """Return 512 MiB of zeros as 64 members of one gzip file."""
    return gzip.compress(bytes(8 * MIB), 9) * 64


@cache
def _zip_of_blanks() -> bytes:
    made = io.BytesIO()
    with (
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
        archive.open("rows.csv", "w", force_zip64=True) as entry,
    ):
        entry.write(b"domain\n")
        for _ in range(128):
            entry.write(b" " * (4 * MIB))
    return made.getvalue()


BOMBS: dict[str, Callable[[], tuple[str, bytes]]] = {
    "gzip": lambda: ("rows.csv.gz", gzip.compress(b"domain\n") + _gzip_of_zeros()),
    "gzip in gzip": lambda: ("rows.csv.gz", gzip.compress(_gzip_of_zeros(), 9)),
    "zip": lambda: ("rows.zip", _zip_of_blanks()),
    "zip as a table": lambda: ("rows.csv", _zip_of_blanks()),
}


@pytest.mark.long_but("gzip in gzip")
@pytest.mark.slow
@pytest.mark.parametrize("kind", BOMBS)
def test_bomb_is_refused_while_the_hub_answers(hub: UploadHub, kind: str) -> None:
    person = hub.person()
    id_ = person.upload(*BOMBS[kind]())
    slowest, ended = [0.0], threading.Event()

    def ask() -> None:
        while not ended.is_set():
            begun = time.monotonic()
            assert requests.get(f"{hub.address}/health", timeout=60).ok
            slowest[0] = max(slowest[0], time.monotonic() - begun)
            time.sleep(0.05)

    with ThreadPoolExecutor(1) as asking:
        answers = asking.submit(ask)
        try:
            upload = person.wait(id_, State.READY, State.FAILED)
        finally:
            ended.set()
        answers.result()
    assert upload.state is State.FAILED or {*upload.report.counts} <= {REFUSED}, upload
    assert upload.report.error or upload.report.not_read or upload.report.counts, upload
    assert slowest[0] < 10
    person.post(f"{PATH}/{id_}/discard")


@pytest.mark.long_but("xlsx")
@pytest.mark.parametrize("ending", ["xlsx", "pdf", "docx", "json", "eml", "exe"])
def test_ending_that_lies_is_not_believed(hub: UploadHub, ending: str) -> None:
    person = hub.person()
    upload = person.read(f"rows.{ending}", ROWS)
    assert dict(upload.report.counts) == {"ready": 1}, upload
    person.post(f"{PATH}/{upload.id}/discard")


def test_many_files_at_once_are_bounded_for_the_organisation_and_stop_no_other(hub: UploadHub) -> None:
    people = [hub.person() for _ in range(3)]
    tokens = {id(person): person.token() for person in people}

    def upload(person: Person, number: int) -> requests.Response:
        return requests.post(
            person.address + PATH,
            data={"token": tokens[id(person)], "country": "TH"},
            files={"file": (f"{number}.csv", f"domain\nmany-{number}.example.com\n".encode())},
            cookies=dict(person.session.cookies),
            headers={"Accept": "text/html"},
            allow_redirects=False,
            timeout=120,
        )

    with ThreadPoolExecutor(3 * MOST_OPEN) as pool:
        answers = list(pool.map(upload, people * MOST_OPEN, range(3 * MOST_OPEN)))
    stored = [answer.headers["Location"].rpartition("/")[2] for answer in answers if answer.status_code == 303]
    refused = [answer for answer in answers if answer.status_code != 303]
    assert (len(stored), {answer.status_code for answer in refused}) == (MOST_OPEN, {422})
    assert all(f"has {MOST_OPEN} files that are not sent" in answer.text for answer in refused)
    assert hub.person(OTHER).upload("other.csv", ROWS) not in stored
