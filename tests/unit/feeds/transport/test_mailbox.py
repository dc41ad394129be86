"""Mails: the author, the date and the attached files."""

from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import given, settings, strategies as st

from feeds.transport.mailbox import Mail


def made(body: str = "Hello.\n", **headers: str) -> EmailMessage:
    mail = EmailMessage()
    for name, said in headers.items():
        mail[name.replace("_", "-")] = said
    mail.set_content(body)
    return mail


def read(mail: EmailMessage) -> Mail:
    return Mail(mail.as_bytes())


def names(mail: EmailMessage, *, bodies: bool = False) -> list[str]:
    return [file.name for file in read(mail).files(bodies=bodies)]


def test_attachments_are_files_and_the_text_is_not() -> None:
    mail = made()
    mail.add_attachment("a.example.com\n", filename="a.txt")
    mail.add_attachment(b"x", maintype="application", subtype="octet-stream")
    assert names(mail) == ["a.txt", "unnamed"]


def test_text_is_a_file_if_configured() -> None:
    files = list(read(made("สวัสดี\n")).files(bodies=True))
    assert [(file.body, file.data.decode()) for file in files] == [(True, "สวัสดี\n")]


def test_a_text_in_an_old_encoding_becomes_utf_8() -> None:
    raw = b"Content-Type: text/plain; charset=tis-620\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + "ไทย".encode(
        "tis-620"
    )
    assert [file.data for file in Mail(raw).files(bodies=True)] == ["ไทย".encode()]


def test_pictures_and_signatures_are_no_files() -> None:
    mail = made()
    mail.add_attachment(b"x", maintype="image", subtype="png", filename="logo.png")
    mail.add_attachment(b"x", maintype="application", subtype="pkcs7-signature", filename="smime.p7s")
    mail.add_attachment(b"x", maintype="application", subtype="pgp-signature", filename="s.asc")
    assert names(mail) == []


def test_a_name_in_another_script_is_read() -> None:
    mail = made()
    mail.add_attachment("a.example.com\n", filename="รายงาน.txt")
    assert names(mail) == ["รายงาน.txt"]


def test_a_name_with_controls_in_it_is_shown_harmless() -> None:
    raw = b'Content-Type: text/csv; name="a\x1b[31m.csv"\r\n\r\nx\r\n'
    (file,) = Mail(raw).files(bodies=False)
    assert "\x1b" not in file.name


@pytest.mark.parametrize(
    ("sender", "senders", "known"),
    [
        ("A <a@bank.example>", ["a@bank.example"], True),
        ("A <a@bank.example>", ["@bank.example"], True),
        ("A <A@BANK.example>", ["a@bank.example"], True),
        ("A <a@notbank.example>", ["@bank.example"], False),
        ("A <a@bank.example.evil.example>", ["@bank.example"], False),
        ('"a@bank.example" <x@evil.example>', ["a@bank.example"], False),
        ("a@bank.example, x@evil.example", ["@bank.example"], False),
        ("", ["@bank.example"], False),
    ],
)
def test_sender_is_the_only_author(sender: str, senders: list[str], known: bool) -> None:
    assert Mail(f"From: {sender}\r\n\r\nx".encode()).is_from(senders) is known


def test_duplicate_author_headers_are_ignored() -> None:
    raw = b"From: a@bank.example\r\nFrom: x@evil.example\r\n\r\nx"
    assert not Mail(raw).is_from(["@bank.example"])


@pytest.mark.parametrize(
    ("said", "proven"),
    [
        (["mx.feed.example; dmarc=pass header.from=bank.example"], True),
        (["MX.feed.example; DMARC=Pass Header.From=BANK.example"], True),
        (["mx.feed.example 1;\r\n spf=pass;\r\n\tdmarc=pass (p=none) header.from=bank.example"], True),
        (
            ["mx.feed.example; dmarc=pass (p=none; dis=none) header.from=bank.example; dkim=pass header.d=x.example"],
            True,
        ),
        (["mx.other.example; dmarc=fail", "mx.feed.example; dmarc=pass header.from=bank.example"], True),
        (["mx.feed.example; dmarc=fail", "mx.feed.example; dmarc=pass header.from=bank.example"], False),
        (["mx.evil.example; dmarc=pass header.from=bank.example"], False),
        (["mx.feed.example.evil.example; dmarc=pass header.from=bank.example"], False),
        (["mx.feed.example; x=dmarc=pass header.from=bank.example"], False),
        (["mx.feed.example; dmarc=passive header.from=bank.example"], False),
        # The proven domain differs from the author's, or is missing.
        (["mx.feed.example; dmarc=pass header.from=evil.example"], False),
        (["mx.feed.example; dmarc=pass header.from=notbank.example"], False),
        (["mx.feed.example; dmarc=pass"], False),
        (["mx.feed.example; dmarc=pass header.d=bank.example"], False),
        (["mx.feed.example; dmarc=pass header.from=bank.example header.from=evil.example"], False),
        (["mx.feed.example; dmarc=pass header.from=bank.example; dmarc=fail header.from=bank.example"], False),
        # Text that a sender can choose freely proves nothing, in any spelling.
        (['mx.feed.example; spf=pass smtp.mailfrom="x; dmarc=pass "@evil.example'], False),
        (['mx.feed.example; spf=pass smtp.mailfrom="x; dmarc=pass header.from=bank.example; y="@evil.example'], False),
        (
            ['mx.feed.example; spf=pass smtp.mailfrom="\\"; dmarc=pass header.from=bank.example; \\""@evil.example'],
            False,
        ),
        (["mx.feed.example; spf=pass (; dmarc=pass header.from=bank.example) smtp.mailfrom=x@evil.example"], False),
        (["mx.feed.example; spf=pass (\\); dmarc=pass header.from=bank.example) smtp.mailfrom=x@evil.example"], False),
        (["mx.feed.example; none"], False),
        # One of our unreadable headers does not hide the ones below it.
        (["mx.feed.example; (", "mx.feed.example; dmarc=pass header.from=bank.example"], False),
        (["mx.feed.example; x=" + "a" * 10_000, "mx.feed.example; dmarc=pass header.from=bank.example"], False),
        ([";"], False),
        ([], False),
    ],
)
def test_a_sender_is_authenticated_by_our_own_servers_topmost_header(said: list[str], proven: bool) -> None:
    raw = "".join(f"Authentication-Results: {result}\r\n" for result in said) + "From: A <a@bank.example>\r\n\r\nx"
    assert Mail(raw.encode()).is_authenticated("mx.feed.example") is proven


@pytest.mark.parametrize(
    "authors",
    ["", "a@bank.example, x@evil.example", "a@evil.example", "a@bank.example\r\nFrom: x@evil.example"],
)
def test_a_proof_is_of_the_one_author(authors: str) -> None:
    said = "Authentication-Results: mx.feed.example; dmarc=pass header.from=bank.example"
    assert not Mail(f"{said}\r\nFrom: {authors}\r\n\r\nx".encode()).is_authenticated("mx.feed.example")


def test_the_time_is_the_mails_date_but_never_in_the_future() -> None:
    assert read(made(Date="Thu, 01 Jan 2026 08:00:00 +0700")).sent_at == datetime(2026, 1, 1, 1, tzinfo=UTC)
    late = read(made(Date="Thu, 01 Jan 2099 08:00:00 +0000")).sent_at
    assert late is not None
    assert late <= datetime.now(UTC)


@pytest.mark.parametrize(
    "date", ["", "yesterday", "Thu, 01 Jan 1900 08:00:00 +0000", "Thu, 99 Jan 2026 99:00:00 +9999"]
)
def test_malformed_time_is_none(date: str) -> None:
    assert Mail(f"Date: {date}\r\n\r\nx".encode()).sent_at is None


@given(st.binary(max_size=400), st.booleans())
@settings(deadline=None)
def test_any_bytes_are_accepted(data: bytes, bodies: bool) -> None:
    mail = Mail(data)
    assert all(isinstance(file.data, bytes) for file in mail.files(bodies=bodies))
    assert mail.is_authenticated("mx.feed.example") in (True, False)
    assert mail.is_from(["@bank.example"]) in (True, False)
    assert mail.sent_at is None or mail.sent_at.tzinfo is not None


@given(
    st.lists(
        st.sampled_from(
            [
                b"From: ",
                b"Date: ",
                b"\r\n",
                b"Content-Type: multipart/mixed; boundary=b",
                b"--b",
                b"=?utf-8?b?",
                b"Content-Disposition: attachment; filename*0*=x''%zz",
                b"\r\n\r\n",
                b"<a@b>",
                b"\xff",
                b"Content-Transfer-Encoding: base64",
            ]
        ),
        max_size=30,
    )
)
@settings(deadline=None)
def test_any_mail_fragments_are_handled(scraps: list[bytes]) -> None:
    mail = Mail(b"".join(scraps))
    assert isinstance(list(mail.files(bodies=True)), list)
    assert mail.is_from(["@bank.example"]) in (True, False)
    assert mail.sent_at is None or mail.sent_at.tzinfo is not None


def test_undecodable_name_is_shown_unchanged() -> None:
    raw = (
        b'Content-Type: text/csv\r\nContent-Disposition: attachment; filename="=?utf-8?b?=?utf-8?b?=?utf-8?b?"\r\n\r\nx'
    )
    assert [file.name for file in Mail(raw).files(bodies=False)] == ["=?utf-8?b?=?utf-8?b?=?utf-8?b?"]
