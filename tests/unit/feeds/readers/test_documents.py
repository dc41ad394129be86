"""Documents: what belongs to others than the scammer, files inside files, and what could harm the reader."""

import zipfile
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import pytest

from feeds import formats
from feeds.errors import UnreadableFile
from feeds.formats.pdf import build_pdf
from feeds.formats.word import build_document
from feeds.readers.documents import zipped
from feeds.readers.documents.parts import Failed, Table, Text, frame, frames
from feeds.readers.documents.pdf import with_marks_joined
from feeds.readers.rows import Row, Unreadable


def read(data: bytes, name: str = "", format: str | None = None) -> tuple[list[str], list[str]]:
    """Return the values of a file, and the reasons of its parts that were not read."""
    rows = list(formats.read(BytesIO(data), name=name, format=format))
    found = [row.fields.get("value") or row.fields["account_number"] for row in rows if isinstance(row, Row)]
    return found, [row.reason for row in rows if isinstance(row, Unreadable)]


def archive(files: dict[str, bytes]) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return out.getvalue()


def test_frames_pass_in_any_pieces() -> None:
    parts = [Text(1, ["a", ""]), Table([(2, ["b", "c"])]), Failed("d")]
    data = b"".join(map(frame, parts))
    assert list(frames(iter([data[:3], data[3:9], data[9:]]))) == parts
    assert list(frames(iter([data[:-1]]))) == parts[:2]


@pytest.mark.parametrize(
    ("chat", "name"),
    [
        ("25/11/26, 2:03 pm - Somchai: paid\n25/11/26, 2:04 pm - +66 81 234 5678: a.example.com", ""),
        ("25/11/26, 2:03 pm - Somchai: paid\n25/11/26, 2:04 pm - Kim: a.example.com", "WhatsApp Chat with Kim.txt"),
        ("25/11/26, 2:03 pm - Somchai: paid\n25/11/26, 2:04 pm - Kim: a.example.com", "Chat WhatsApp dengan Kim.txt"),
        ("[LINE] ประวัติแชทกับ Kim\n\n2026/11/25(Wed)\n14:03\tSomchai\tpaid\n14:04\tKim\ta.example.com", ""),
    ],
)
def test_the_other_side_of_a_chat_is_read(chat: str, name: str) -> None:
    found, _ = read(chat.encode(), name)
    assert "a.example.com" in found


def test_copied_messages_are_a_chat() -> None:
    chat = "\n".join(
        [
            "[14:03, 25/11/2026] Somchai: from a.example.org",
            "[14:04, 25/11/2026] Kim: to a.example.com",
            "[2:05 pm, 25/11/2026] Kim: or",
            "b.example.com",
        ]
    )
    assert read(chat.encode(), "WhatsApp - Kim.txt") == (["a.example.com", "b.example.com"], ["own-message"])


def test_a_page_in_utf_8_needs_no_statement_of_its_encoding() -> None:
    page = "<html><body><h2>เบอร์คนร้าย</h2><ul><li>โทร 089-876-5432</li></ul></body></html>"
    assert read(page.encode())[0] == ["089-876-5432"]


def test_the_lists_of_a_mail_without_plain_text_are_read_below_their_headings() -> None:
    found, reasons = read(
        b"From: a@example.org\r\nTo: b@example.org\r\nSubject: x\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: text/html\r\n\r\n"
        b"<p>Scammers' numbers:</p><ul><li>+66 89 876 5432</li></ul><p>Victims:</p><ul><li>+66 81 234 5678</li></ul>"
    )
    assert found == ["+66 89 876 5432"]
    assert reasons.count("not-a-report") == 3


def test_marks_of_a_pdf_are_joined_to_their_letters() -> None:
    page = SimpleNamespace(chars=[{"text": text} for text in "ผู้แจ้ง"])
    page.filter = lambda keep: [char["text"] for char in page.chars if keep(char)]
    assert with_marks_joined(page) == ["ผู้", "แ", "จ้", "ง"]
    plain = SimpleNamespace(chars=[{"text": "a"}])
    assert with_marks_joined(plain) is plain


def test_a_chat_whose_sides_are_unclear_is_refused() -> None:
    chat = "25/11/26, 2:03 pm - Somchai: from 123-4-56789-0\n25/11/26, 2:04 pm - Kim: to 123-456789-0"
    with pytest.raises(UnreadableFile, match=r"Chat with NAME\.txt"):
        read(chat.encode())


def test_own_messages_are_named_and_not_read() -> None:
    chat = "[1/11/2026, 14:03:22] You: sent from KBANK 123-4-56789-0\n[1/11/2026, 14:04:22] Kim: ok"
    assert read(chat.encode()) == ([], ["own-message"])


def test_a_forwarded_mail_is_the_scammers_and_its_reader_is_not() -> None:
    inner = b"From: Pay <pay@bad.example.com>\r\nTo: victim@example.org\r\nSubject: x\r\n\r\nPay at http://bad.example.com/x\r\n"
    mail = (
        b"From: Victim <victim@example.org>\r\nTo: desk@example.net\r\nSubject: Fwd\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nI got this.\r\n"
        b"--x\r\nContent-Type: message/rfc822\r\n\r\n" + inner + b"--x--\r\n"
    )
    found, _ = read(mail)
    assert "http://bad.example.com/x" in found
    assert "victim@example.org" not in found
    assert "desk@example.net" not in found


def test_merged_cells_of_a_page_keep_the_roles_of_their_columns() -> None:
    page = (
        "<html><table><tr><th colspan=2>Victim</th><th colspan=2>Suspect</th></tr><tr><th>Phone</th><th>Name</th>"
        "<th>Phone</th><th>Website</th></tr><tr><td>089-999-8888</td><td>A</td><td>081-234-5678</td>"
        "<td>http://a.example.com</td></tr></table></html>"
    )
    found, _ = read(page.encode())
    assert sorted(found) == ["081-234-5678", "http://a.example.com"]


def test_a_page_without_content_is_refused() -> None:
    with pytest.raises(UnreadableFile, match="no table, no text and no link"):
        read(b"<!doctype html><html><body><script>var a = 'http://a.example.com'</script></body></html>")


def test_a_page_nested_too_deeply_is_refused() -> None:
    with pytest.raises(UnreadableFile, match="nested deeper"):
        read(b"<html>" + b"<div>" * 5_000 + b"<p>a.example.com</p>")


def test_files_inside_files_are_read_three_deep() -> None:
    data = b"domain,first_seen\na.example.com,2026-01-01\n"
    for _ in range(3):
        data = archive({"inner.zip" if data.startswith(b"PK") else "list.csv": data})
    assert read(data) == (["a.example.com"], [])
    assert read(archive({"inner.zip": data})) == ([], ["unreadable-file"])


def test_a_damaged_file_stops_no_other() -> None:
    listed = archive({"a.pdf": b"%PDF-1.4 cut", "b.csv": b"domain,seen\na.example.com,x\nb.example.com,x\n"})
    assert read(listed) == (["a.example.com", "b.example.com"], ["unreadable-file"])


@pytest.mark.long
@pytest.mark.parametrize("bomb", ["word/document.xml", "list.csv"])
def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, bomb: str) -> None:
    file = tmp_path / "bomb.zip"
    file.write_bytes(archive({bomb: bytes(600 << 20)}))
    with pytest.raises(UnreadableFile, match="far more than any list"):
        zipped.checked(file)


def test_entities_of_a_word_document_are_not_resolved() -> None:
    body = "<w:p><w:r><w:t>Domains of these scams: a.example.com</w:t></w:r></w:p>"
    found, _ = read(build_document(body))
    assert found == ["a.example.com"]
    packed = archive(
        {
            "[Content_Types].xml": b"<x/>",
            "word/document.xml": b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]><x>&e;</x>',
        }
    )
    with pytest.raises(UnreadableFile):
        read(packed)


def test_the_words_of_a_document_decide_as_in_prose() -> None:
    lines = ["Police warn of scams.", "Report to www.police.example.org or call 1441.", "Fake site: a.example.com"]
    assert read(build_pdf(lines))[0] == ["a.example.com"]


@pytest.mark.parametrize(
    ("text", "found"),
    [("Please view this message as HTML.", ["b.example.com"]), ("The fake site: a.example.com", ["a.example.com"])],
)
def test_a_mail_is_read_as_text_unless_only_its_page_has_the_table(text: str, found: list[str]) -> None:
    page = "<table><tr><th>Domain</th><th>Date</th></tr><tr><td>b.example.com</td><td>2026-01-01</td></tr></table>"
    mail = (
        "From: A <a@example.org>\nTo: b@example.org\nSubject: c\n"
        "MIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=x\n\n"
        f"--x\nContent-Type: text/plain\n\n{text}\n--x\nContent-Type: text/html\n\n{page}\n--x--\n"
    )
    assert read(mail.encode(), "x.eml")[0] == found


def test_an_archive_that_begins_with_a_table_may_contain_workbooks() -> None:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("sites.csv", "domain\na.example.com\n")
        packed.writestr("more.docx", build_document("").strip(), zipfile.ZIP_STORED)
    assert read(out.getvalue(), "evidence.zip")[0] == ["a.example.com"]


@pytest.mark.parametrize(
    "line",
    [
        "Operators shall acknowledge to a@example.org.",
        "Received by Sample, branch tel +65 6298 4400",
        "Maklum balas kepada a@example.org atau tel. 03-8688 8000.",
        "Responder ao Delegado, a@example.org",
    ],
)
def test_addresses_for_replies_above_a_list_are_not_reports(line: str) -> None:
    assert read(f"Numbers used in scam calls\n{line}\n\nNumbers:\n+66 81 234 5678\n".encode(), "x.md")[0] == [
        "+66 81 234 5678"
    ]


@pytest.mark.parametrize("name", ["Nombor", "CLI presented"])
def test_columns_of_callers_are_telephone_numbers(name: str) -> None:
    assert read(f"No.,{name},Calls\n1,+60 18-220 9931,5\n2,+60 18-220 9932,7\n".encode(), "x.csv")[0] == [
        "+60 18-220 9931",
        "+60 18-220 9932",
    ]
