"""Mails of hostile senders are parsed within limits."""

import time

import pytest

from feeds.mime import MailRefused, decoded_header, parse_mail
from feeds.transport.mailbox import Mail
from server.features.dispatch.mailbox import read_mail

_MAIL = b"From: sender@example.com\r\n"


def nested(depth: int, text: bytes) -> bytes:
    """Return a mail whose text is inside ``depth`` parts."""
    boundaries = (
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (level, level) for level in range(depth)
    )
    return _MAIL + b"".join(boundaries) + b"Content-Type: text/plain\r\n\r\n" + text


def forwarded(depth: int) -> bytes:
    """Return a mail that is forwarded in a mail, and so on."""
    return _MAIL + b"Content-Type: message/rfc822\r\n\r\n" * depth + b"Subject: the first\r\n\r\ntext"


@pytest.mark.parametrize("data", [nested(21, b"x"), nested(5_000, b"x"), forwarded(21), forwarded(5_000)])
@pytest.mark.parametrize("read", [parse_mail, Mail, read_mail])
def test_deep_mails_are_refused(read: object, data: bytes) -> None:
    with pytest.raises(MailRefused, match="more than 20 others: send the files themselves"):
        read(data)  # type: ignore[operator]


def test_twenty_levels_are_read() -> None:
    assert read_mail(nested(20, b"deep text")).text.strip() == "deep text"


def test_many_parts_are_refused() -> None:
    wide = _MAIL + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + b"--b\r\n\r\nx\r\n" * 499 + b"--b--\r\n"
    assert len(list(parse_mail(wide).walk())) == 500
    with pytest.raises(MailRefused, match="more than 500 parts"):
        parse_mail(wide.replace(b"--b--", b"--b\r\n\r\nx\r\n--b--"))


def test_long_headers_take_little_time() -> None:
    long = b"=?utf-8?q?a?= " * 60_000
    results = b"Authentication-Results: mail.example.net; dmarc=pass header.from=example.com\r\n" * 20_000
    mail = b"From: " + b"a@example.com," * 80_000 + b"\r\nSubject: " + long + b"\r\n" + results + b"\r\ntext"
    began = time.process_time()
    read = Mail(mail)
    assert not read.is_from(["a@example.com"])
    assert not read.is_authenticated("other.example.net")
    assert decoded_header(long.decode()) == long.decode()
    assert time.process_time() - began < 5
