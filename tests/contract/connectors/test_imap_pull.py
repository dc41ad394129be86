"""``imap-pull`` with a mail server as the peer."""

import gzip
import ssl
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from feeds.connector import Misconfigured
from feeds.connectors import build
from server.store import Store
from tests.conformance.authority import issue
from tests.contract.connectors.contract import PARTNER, kept_checkpoint
from tests.contract.connectors.faults import MisbehavingContract
from tests.contract.connectors.imap_server import MailServer, serving
from tests.contract.connectors.proxy import tunnelling
from tests.contract.connectors.pulls import PullContract
from tests.running import run


def mail(
    *lines: str, sender: str = "reports@bank.example", date: str = "Thu, 01 Jan 2026 08:00:00 +0700"
) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Date"] = f"Reports <{sender}>", "hub@feed.example", date
    made["Subject"] = "Domains"
    made.set_content("Dear all, these are new: in-the-text[.]example[.]com. Write to jane.doe@victim.example.\n")
    if lines:
        made.add_attachment("\n".join(lines) + "\n", filename="domains.txt")
    return made


class TestImapPull(MisbehavingContract, PullContract):
    connector = "imap-pull"
    url_gets_secret = False
    peer: MailServer
    domains = 0
    date = "Thu, 01 Jan 2026 08:00:00 +0700"

    @pytest.fixture(autouse=True)
    def _server(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setenv("MAIL_PASSWORD", "s3cret")
        self.peer = MailServer()
        with serving(self.peer):
            yield

    def table(self, **more: Any) -> dict[str, Any]:
        return {
            "name": "tested",
            "connector": self.connector,
            "host": "127.0.0.1",
            "port": self.peer.port,
            "tls": "none",
            "user": "u",
            "password": {"env": "MAIL_PASSWORD"},
            "contribute_as": PARTNER,
            "batch": 3,
            "timeout": self.timeout,
            "allow_private": True,
            **more,
        }

    def prepare(self, store: Store, count: int) -> None:
        if count > self.domains:
            lines = [f"h{number}.example.com" for number in range(self.domains, count)]
            self.peer.deliver(mail(*lines, date=self.date).as_bytes())
            self.domains = count

    def prepare_with_a_bad_one(self, store: Store) -> None:
        self.peer.deliver(mail("a.example.com", "what is this", "b.example.com").as_bytes())

    def prepare_with_a_shapeless_one(self, store: Store) -> None:
        made = mail()
        made.add_attachment('[{"domain": "a.example.com"}, true, {"domain": "b.example.com"}]', filename="a.json")
        self.peer.deliver(made.as_bytes())

    def break_credentials(self) -> None:
        self.peer.password = "another"

    def turn_clock(self, monkeypatch: pytest.MonkeyPatch, hours: float) -> None:
        self.date = "Wed, 31 Dec 2025 06:00:00 +0700" if hours < 0 else "Fri, 02 Jan 2026 10:00:00 +0700"

    def test_folder_is_read_and_not_changed(self, store: Store) -> None:
        self.prepare(store, 1)
        run(store, self.feed())
        words = {said.split(" ")[0].upper() for said in self.peer.said}
        assert words == {"AUTHENTICATE", "EXAMINE", "UID", "LOGOUT"} | ({"CAPABILITY"} & words)
        assert all("BODY[" not in said for said in self.peer.said)

    def test_the_text_of_a_mail_is_read_only_with_bodies(self, store: Store) -> None:
        self.peer.deliver(mail().as_bytes())
        assert run(store, self.feed()).read == 0
        run(store, self.feed(name="another", bodies=True, kind="domain"))
        assert "[domain-name:value = 'in-the-text.example.com']" in self.arrived(store)

    def test_renumbered_mails_are_recognised_by_their_content(self, store: Store) -> None:
        self.prepare(store, 4)
        run(store, self.feed())
        self.peer.renumber()
        self.prepare(store, 6)
        assert run(store, self.feed()).read == 2
        assert kept_checkpoint(store) == {"validity": "8", "uid": 101}

    def test_missing_started_mail_does_not_affect_the_next(self, store: Store) -> None:
        self.prepare(store, 5)
        feed = self.feed()
        begun = next(iter(feed.pull(None, lambda _: False))).checkpoint  # type: ignore[attr-defined]
        assert begun["row"] == 3
        self.prepare(store, 7)
        del self.peer.mails[1]
        rest = list(feed.pull(begun, lambda _: False))  # type: ignore[attr-defined]
        assert [batch.read for batch in rest] == [2]

    def test_only_mails_of_known_senders_are_read(self, store: Store) -> None:
        self.peer.deliver(mail("a.example.com", sender="x@elsewhere.example").as_bytes())
        self.peer.deliver(mail("b.example.com", sender="y@bank.example").as_bytes())
        result = run(store, self.feed(senders=["@bank.example"]))
        assert (result.accepted, result.reasons) == (1, {"unknown-sender": 1})

    def test_only_mails_of_authenticated_senders_are_read(self, store: Store) -> None:
        for said in (
            "mx.feed.example; dmarc=fail",
            "mx.feed.example; spf=pass; dmarc=pass (p=none) header.from=bank.example",
            "mx.forged.example; dmarc=pass header.from=bank.example",
        ):
            made = mail("a.example.com")
            made["Authentication-Results"] = said
            self.peer.deliver(made.as_bytes())
        result = run(store, self.feed(checked_by="mx.feed.example"))
        assert (result.accepted, result.reasons) == (1, {"unproven-sender": 2})

    def test_too_large_mail_is_skipped(self, store: Store) -> None:
        self.peer.deliver(mail(*(f"h{number}.example.com" for number in range(200))).as_bytes())
        self.peer.deliver(mail("a.example.com").as_bytes())
        result = run(store, self.feed(max_bytes=2048))
        assert (result.accepted, result.reasons) == (1, {"too-large": 1})
        assert run(store, self.feed(max_bytes=2048)).read == 0

    def test_a_server_that_sends_more_than_it_announced_is_cut_off(self, store: Store) -> None:
        self.prepare(store, 1)
        self.peer.fault = "huge"
        assert run(store, self.feed()).ending == "try-later"

    def test_trickling_server_times_out(self, store: Store) -> None:
        self.prepare(store, 5)
        self.peer.fault = "trickle"
        result = run(store, self.feed(answer_within="500ms"))
        assert result.ending == "try-later"
        assert (result.ended - result.started).total_seconds() < 3
        self.peer.fault = ""
        assert run(store, self.feed(answer_within="500ms")).accepted == 5

    def test_proxy_is_used(self, store: Store) -> None:
        self.prepare(store, 2)
        with tunnelling() as proxy:
            feed = self.feed(host="mail.example.com", allow_plain=True, proxy=proxy.url, allow_private=False)
            assert run(store, feed).accepted == 2
        assert proxy.asked[0].startswith(f"CONNECT mail.example.com:{self.peer.port} ")

    def test_an_attachment_that_cannot_be_read_does_not_stop_the_others(self, store: Store) -> None:
        made = mail("a.example.com")
        made.add_attachment(b"%PDF-1.7 " * 50, maintype="application", subtype="pdf", filename="scan.pdf")
        made.add_attachment(
            gzip.compress(b"b.example.com\n"), maintype="application", subtype="gzip", filename="b.txt.gz"
        )
        made.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="logo.png")
        self.peer.deliver(made.as_bytes())
        result = run(store, self.feed())
        assert (result.accepted, result.reasons) == (2, {"unreadable-file": 1})

    def test_a_forwarded_mail_is_opened(self, store: Store) -> None:
        outer = mail()
        outer.add_attachment(mail("a.example.com"))
        self.peer.deliver(outer.as_bytes())
        assert run(store, self.feed()).accepted == 1

    def test_malformed_mail_does_not_stop_the_others(self, store: Store) -> None:
        self.peer.deliver(b"\xff\xfe\x00 what is this")
        self.peer.deliver(mail("a.example.com").as_bytes())
        assert run(store, self.feed()).accepted == 1

    def test_missing_folder_is_misconfigured(self, store: Store) -> None:
        result = run(store, self.feed(folder="Reports"))
        assert result.ending == "misconfigured"
        assert "no folder Reports" in str(result.error)

    def test_server_that_refuses_all_logins_is_tried_later(self, store: Store) -> None:
        self.peer.fault = "busy"
        assert run(store, self.feed()).ending == "try-later"

    def test_a_server_error_that_repeats_a_password_is_not_shown(self, store: Store) -> None:
        self.peer.password = "an0ther"
        assert "an0ther" not in str(run(store, self.feed()).error)

    def test_token_login_works_too(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MAIL_TOKEN", "t0ken")
        self.prepare(store, 1)
        table = self.table(token={"env": "MAIL_TOKEN"})
        del table["password"]
        assert run(store, build(table)).accepted == 1

    def test_a_server_without_sasl_is_logged_in_to(self, store: Store) -> None:
        self.peer.capabilities = "IMAP4rev1"
        self.prepare(store, 1)
        assert run(store, self.feed()).accepted == 1

    def test_loopback_address_is_contacted_only_if_configured(self, store: Store) -> None:
        result = run(store, self.feed(allow_private=False))
        assert result.ending == "misconfigured"
        assert "allow_private" in str(result.error)

    @pytest.mark.parametrize("tls", ["implicit", "starttls"])
    def test_tls_is_checked(self, store: Store, tmp_path: Path, tls: str) -> None:
        pem = issue(tmp_path)
        self.peer.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.peer.context.load_cert_chain(pem.certificate, pem.key)
        self.peer.starttls = tls == "starttls"
        self.peer.capabilities = "IMAP4rev1 STARTTLS AUTH=PLAIN"
        self.prepare(store, 1)
        untrusted = run(store, self.feed(tls=tls, timeout="20s"))
        assert untrusted.ending == "misconfigured"
        assert "not trusted" in str(untrusted.error)
        assert run(store, self.feed(tls=tls, timeout="20s", ca_file=str(pem.authority))).accepted == 1


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({}, "give password or token"),
        ({"password": {"env": "P"}, "tls": "none"}, "sends the password unencrypted"),
        ({"password": {"env": "P"}, "folder": "กล่อง"}, "folder"),
        ({"password": {"env": "P"}, "user": "a\r\nb"}, "user"),
        ({"password": {"env": "P"}, "format": "docx"}, "there is no format"),
    ],
)
def test_settings_that_cannot_work_are_refused(table: dict[str, Any], words: str) -> None:
    with pytest.raises(Misconfigured, match=words):
        build(
            {
                "name": "x",
                "connector": "imap-pull",
                "contribute_as": PARTNER,
                "host": "mail.example",
                "user": "u",
                **table,
            }
        )
