"""Outbound requests: only to configured servers, with the configured certificate authority and proxy."""

import socket
import ssl
from pathlib import Path
from typing import Any

import pytest

from feeds.connector import Misconfigured, Secret, TryLater
from feeds.http import client
from feeds.http.client import OutboundSettings, open_session
from feeds.http.failures import peer_errors
from tests.conformance.authority import Pem, issue
from tests.unit.feeds.scripted import OK, Serve, ask, says, settings


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Pem:
    return issue(tmp_path_factory.mktemp("authority"))


def moved(place: str, status: str = "302 Found") -> bytes:
    return f"HTTP/1.1 {status}\r\nLocation: {place}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


def test_a_configured_server_is_asked(serve: Serve) -> None:
    peer = serve(says(OK))
    assert ask(peer).text == "ok"
    assert b"User-Agent: scamfeed\r\n" in peer.asked[0]


def test_a_redirect_to_another_server_is_not_followed(serve: Serve) -> None:
    elsewhere = serve(says(OK))
    peer = serve(says(moved(elsewhere.url)))
    with pytest.raises(Misconfigured, match=f"http://127.0.0.1:{elsewhere.port}: another server than the configured"):
        ask(peer)
    assert elsewhere.asked == []


@pytest.mark.parametrize("place", ["https://127.0.0.1:{port}/x", "ftp://127.0.0.1/x", "//localhost:{port}/"])
def test_a_redirect_to_another_scheme_or_name_is_not_followed(serve: Serve, place: str) -> None:
    peer = serve(lambda stream, _: stream.sendall(moved(place.format(port=peer.port))))
    with pytest.raises(Misconfigured):
        ask(peer)
    assert len(peer.asked) == 1


def test_a_redirect_within_the_server_is_followed(serve: Serve) -> None:
    peer = serve(lambda stream, head: stream.sendall(OK if head.startswith(b"GET /there") else moved("/there")))
    assert ask(peer).text == "ok"


def test_a_circle_of_redirects_ends(serve: Serve) -> None:
    peer = serve(says(moved("/round")))
    with pytest.raises(TryLater, match="TooManyRedirects"):
        ask(peer)


def test_a_redirect_never_turns_a_post_into_a_get(serve: Serve) -> None:
    peer = serve(says(moved("/there")))
    with open_session(settings(), peer.url) as opened, pytest.raises(Misconfigured, match="redirects to /there"):
        opened.post(peer.url, data=b"")
    assert len(peer.asked) == 1


def test_a_link_in_an_answer_leads_nowhere_else(serve: Serve) -> None:
    peer = serve(says(OK))
    with open_session(settings(), peer.url) as opened, pytest.raises(Misconfigured, match="another server"):
        opened.get("http://elsewhere.example/secret?token=s3cret")


def test_the_message_shows_no_path_and_no_query(serve: Serve) -> None:
    peer = serve(says(moved("http://elsewhere.example/a?token=s3cret")))
    with pytest.raises(Misconfigured) as raised:
        ask(peer)
    assert "s3cret" not in str(raised.value)


def test_this_machine_is_not_asked_unless_that_is_allowed(serve: Serve) -> None:
    peer = serve(says(OK))
    with pytest.raises(Misconfigured, match="set allow_private = true"):
        ask(peer, allow_private=False)
    assert peer.asked == []


def test_a_name_that_leads_to_a_private_address_is_not_asked(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    peer = serve(says(OK))
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", peer.port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    url = f"http://bank.example:{peer.port}/"
    with (
        open_session(settings(allow_private=False), url) as opened,
        pytest.raises(Misconfigured, match=r"bank\.example"),
    ):
        opened.get(url)
    assert peer.asked == []


def secure(pem: Pem) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem.certificate, pem.key)
    return context


def test_a_certificate_of_a_named_authority_is_trusted(serve: Serve, pem: Pem) -> None:
    peer = serve(says(OK), secure(pem))
    assert ask(peer, ca_file=str(pem.authority)).text == "ok"


def test_another_certificate_is_the_operators_to_mend(serve: Serve, pem: Pem) -> None:
    peer = serve(says(OK), secure(pem))
    with pytest.raises(Misconfigured, match="its certificate is not trusted here"):
        ask(peer)
    assert peer.asked == []


def test_an_authority_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="ca_file: there is no"):
        open_session(settings(ca_file=str(tmp_path / "none.pem")), "https://bank.example/")


def test_a_broken_greeting_of_tls_is_tried_later(serve: Serve) -> None:
    peer = serve(lambda *_: None)
    url = peer.url.replace("http:", "https:")
    with pytest.raises(TryLater), open_session(settings(timeout="300ms"), url) as opened, peer_errors("peer"):
        opened.get(url)


def test_a_proxy_is_gone_through(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROXY_PASSWORD", "p@ss")
    proxy = serve(says(OK))
    through = settings(allow_private=False, proxy=proxy.url, proxy_user="hub", proxy_password={"env": "PROXY_PASSWORD"})
    with open_session(through, "http://bank.example/") as opened:
        assert opened.get("http://bank.example/x").text == "ok"
    assert proxy.asked[0].startswith(b"GET http://bank.example/x HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic aHViOnBAc3M=\r\n" in proxy.asked[0]


def test_a_proxy_is_not_sent_to_private_addresses(serve: Serve) -> None:
    proxy = serve(says(OK))
    through = settings(allow_private=False, proxy=proxy.url)
    with open_session(through, "http://localhost/") as opened, pytest.raises(Misconfigured, match="allow_private"):
        opened.get("http://localhost/")
    assert proxy.asked == []


def test_a_proxy_that_is_away_is_tried_later(serve: Serve) -> None:
    peer = serve(says(OK))
    peer.close()
    url = "https://bank.example/"
    with (
        open_session(settings(proxy=peer.url), url) as opened,
        pytest.raises(TryLater, match="proxy"),
        peer_errors("bank"),
    ):
        opened.get(url)


def test_nothing_is_taken_from_the_environment(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere, peer = serve(says(OK)), serve(says(OK))
    monkeypatch.setenv("HTTP_PROXY", elsewhere.url)
    monkeypatch.setenv("http_proxy", elsewhere.url)
    assert ask(peer).text == "ok"
    assert elsewhere.asked == []


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"proxy": "socks5://proxy.example/"}, "not a URL that begins"),
        ({"proxy": "http://hub:s3cret@proxy.example/"}, "no user or password in it"),
        ({"proxy_user": "hub"}, "come together"),
        ({"proxy_user": "hub", "proxy_password": {"env": "A"}}, "proxy_user needs proxy"),
        ({"timeout": "soon"}, "not a duration"),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
def test_a_bad_setting_is_refused(more: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        settings(**more)


def test_settings_have_the_defaults_that_are_safe() -> None:
    made = OutboundSettings()
    assert (made.allow_private, made.allow_http, made.proxy, made.ca_file) == (False, False, None, None)
    assert Secret(env="A") is not None
    assert client.open_session(made, "https://bank.example/").trust_env is False
