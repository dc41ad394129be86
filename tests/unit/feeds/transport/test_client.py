"""Requests to other servers: limits, repeats, logins, and errors by the next step."""

import socket
import ssl
import time
from pathlib import Path
from typing import Annotated, Any

import pytest
import requests
from hypothesis import given, strategies as st
from pydantic import Field, ValidationError

from feeds.connector import Misconfigured, Secret, TryLater
from feeds.transport import client
from feeds.transport.client import (
    LoginSettings,
    OutboundSettings,
    PasswordSettings,
    RequestRefused,
    open_session,
    peer_errors,
    retry_after_seconds,
)
from tests.conformance.authority import Pem, issue
from tests.unit.feeds.scripted import OK, Serve, ask, says, settings


def test_busy_server_is_retried(serve: Serve) -> None:
    busy = b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    peer = serve(lambda stream, _: stream.sendall(OK if len(peer.asked) == 3 else busy))
    assert ask(peer, retries=2).text == "ok"


@pytest.mark.parametrize(("status", "words"), [(429, "Slow"), (503, "Busy")])
def test_long_retry_after_ends_the_run(serve: Serve, status: int, words: str) -> None:
    peer = serve(says(f"HTTP/1.1 {status} {words}\r\nRetry-After: 7200\r\nContent-Length: 0\r\n\r\n".encode()))
    with open_session(settings(retries=3), peer.url) as opened, pytest.raises(TryLater) as caught, peer_errors("peer"):
        opened.get(peer.url).raise_for_status()
    assert (len(peer.asked), caught.value.after) == (1, 7200.0)


def test_short_retry_after_is_observed(serve: Serve) -> None:
    busy = b"HTTP/1.1 429 Slow\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    peer = serve(lambda stream, _: stream.sendall(OK if len(peer.asked) == 2 else busy))
    begun = time.monotonic()
    assert ask(peer, retries=1).text == "ok"
    assert time.monotonic() - begun >= 1


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (None, 0),
        ("", 0),
        ("soon", 0),
        ("-5", 0),
        ("1.5", 0),
        ("0", 0),
        ("90", 90),
        ("999999999999", 86_400),
        ("9" * 5000, 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400),
        ("Thu, 01 Jan 2026 00:00:00 GMT", 0),
    ],
)
def test_retry_after_is_at_most_a_day(said: str | None, seconds: float) -> None:
    assert retry_after_seconds(said) == seconds


@given(st.text())
def test_any_retry_after_header_is_a_duration_or_none(said: str) -> None:
    assert 0 <= retry_after_seconds(said) <= 86_400


@pytest.mark.parametrize(("repeat", "times"), [(True, 3), (False, 1)])
def test_only_harmless_posts_are_retried(serve: Serve, repeat: bool, times: int) -> None:
    peer = serve(says(b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
    with open_session(settings(retries=2), peer.url, repeat_posts=repeat) as opened:
        assert opened.post(peer.url, data=b"").status_code == 503
    assert len(peer.asked) == times


@pytest.mark.long
def test_failing_peer_gets_few_retries(serve: Serve) -> None:
    peer = serve(says(b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
    with open_session(settings(retries=5), peer.url) as opened:
        for _ in range(10):
            assert opened.get(peer.url).status_code == 503
    assert 20 <= len(peer.asked) <= 22


@pytest.mark.parametrize(
    ("status", "follows"),
    [
        *((status, RequestRefused) for status in (400, 413, 422)),
        *((status, Misconfigured) for status in (401, 403, 404, 406, 410)),
        *((status, TryLater) for status in (408, 409, 425, 429, 500, 502, 503, 504)),
    ],
)
def test_status_determines_the_error(serve: Serve, status: int, follows: type[Exception]) -> None:
    peer = serve(says(f"HTTP/1.1 {status} Said\r\nContent-Length: 0\r\n\r\n".encode()))
    with open_session(settings(), peer.url) as opened, pytest.raises(follows), peer_errors("peer"):
        opened.get(peer.url).raise_for_status()


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"])
def test_malformed_response_is_tried_later(serve: Serve, answer: bytes) -> None:
    with pytest.raises(TryLater):
        ask(serve(says(answer)))


SECRET = {"env": "TESTED"}


class Asking(OutboundSettings):
    """Settings of a feed without its own login."""

    url: Annotated[str, Field(description="the server")]


class AskingWithLogin(LoginSettings):
    url: Annotated[str, Field(description="the server")]


@pytest.mark.parametrize("login", [{"user": "u"}, {"password": SECRET}])
@pytest.mark.parametrize("model", [PasswordSettings, LoginSettings])
def test_half_a_login_is_refused(model: type[PasswordSettings], login: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="set both user and password"):
        model.model_validate(login)


def test_two_logins_are_refused() -> None:
    with pytest.raises(ValidationError, match="set user and password, or token"):
        LoginSettings.model_validate({"user": "u", "password": SECRET, "token": SECRET})


def test_a_connector_sends_credentials_by_default() -> None:
    with pytest.raises(ValidationError, match="url: http:// sends the credentials unencrypted"):
        Asking(url="http://peer.example/")
    assert Asking(url="http://peer.example/", allow_http=True)


@pytest.mark.parametrize("login", [{"user": "u", "password": SECRET}, {"token": SECRET}])
def test_no_login_is_sent_in_clear(login: dict[str, Any]) -> None:
    assert AskingWithLogin(url="http://peer.example/")
    with pytest.raises(ValidationError, match="url: http:// sends the credentials unencrypted"):
        AskingWithLogin.model_validate({"url": "http://peer.example/", **login})


@pytest.mark.parametrize(
    ("login", "header"),
    [
        ({}, None),
        ({"user": "u", "password": SECRET}, "Basic dTpzM2NyZXQ="),
        ({"token": SECRET}, "Bearer s3cret"),
    ],
)
def test_login_is_sent_in_the_header(
    login: dict[str, Any], header: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TESTED", "s3cret")
    request = requests.Request("GET", "https://peer.example/", auth=LoginSettings.model_validate(login).auth())
    assert request.prepare().headers.get("Authorization") == header


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Pem:
    return issue(tmp_path_factory.mktemp("authority"))


def moved(place: str, status: str = "302 Found") -> bytes:
    return f"HTTP/1.1 {status}\r\nLocation: {place}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


def test_configured_server_is_requested(serve: Serve) -> None:
    peer = serve(says(OK))
    assert ask(peer).text == "ok"
    assert b"User-Agent: scamfeed\r\n" in peer.asked[0]


def test_a_redirect_to_another_server_is_not_followed(serve: Serve) -> None:
    elsewhere = serve(says(OK))
    peer = serve(says(moved(elsewhere.url)))
    with pytest.raises(Misconfigured, match=f"http://127.0.0.1:{elsewhere.port}: is not the configured server"):
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


def test_redirect_loop_ends(serve: Serve) -> None:
    peer = serve(says(moved("/round")))
    with pytest.raises(TryLater, match="TooManyRedirects"):
        ask(peer)


def test_a_redirect_never_turns_a_post_into_a_get(serve: Serve) -> None:
    peer = serve(says(moved("/there")))
    with open_session(settings(), peer.url) as opened, pytest.raises(Misconfigured, match="redirects to /there"):
        opened.post(peer.url, data=b"")
    assert len(peer.asked) == 1


def test_link_in_a_response_stays_on_the_server(serve: Serve) -> None:
    peer = serve(says(OK))
    with open_session(settings(), peer.url) as opened, pytest.raises(Misconfigured, match="not the configured server"):
        opened.get("http://elsewhere.example/secret?token=s3cret")


def test_the_message_shows_no_path_and_no_query(serve: Serve) -> None:
    peer = serve(says(moved("http://elsewhere.example/a?token=s3cret")))
    with pytest.raises(Misconfigured) as raised:
        ask(peer)
    assert "s3cret" not in str(raised.value)


def test_loopback_is_requested_only_if_allowed(serve: Serve) -> None:
    peer = serve(says(OK))
    with pytest.raises(Misconfigured, match="set allow_private = true"):
        ask(peer, allow_private=False)
    assert peer.asked == []


def test_name_with_a_private_address_is_not_requested(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_untrusted_certificate_is_misconfigured(serve: Serve, pem: Pem) -> None:
    peer = serve(says(OK), secure(pem))
    with pytest.raises(Misconfigured, match="its certificate is not trusted"):
        ask(peer)
    assert peer.asked == []


def test_missing_authority_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"ca_file: .* does not exist"):
        open_session(settings(ca_file=str(tmp_path / "none.pem")), "https://bank.example/")


def test_broken_tls_handshake_is_tried_later(serve: Serve) -> None:
    peer = serve(lambda *_: None)
    url = peer.url.replace("http:", "https:")
    with pytest.raises(TryLater), open_session(settings(timeout="300ms"), url) as opened, peer_errors("peer"):
        opened.get(url)


def test_proxy_is_used(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_unreachable_proxy_is_tried_later(serve: Serve) -> None:
    peer = serve(says(OK))
    peer.close()
    url = "https://bank.example/"
    with (
        open_session(settings(proxy=peer.url), url) as opened,
        pytest.raises(TryLater, match="proxy"),
        peer_errors("bank"),
    ):
        opened.get(url)


def test_environment_is_ignored(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere, peer = serve(says(OK)), serve(says(OK))
    monkeypatch.setenv("HTTP_PROXY", elsewhere.url)
    monkeypatch.setenv("http_proxy", elsewhere.url)
    assert ask(peer).text == "ok"
    assert elsewhere.asked == []


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"proxy": "socks5://proxy.example/"}, "not a URL with https"),
        ({"proxy": "http://hub:s3cret@proxy.example/"}, "must not contain user or password"),
        ({"proxy_user": "hub"}, "set both"),
        ({"proxy_user": "hub", "proxy_password": {"env": "A"}}, "proxy_user needs proxy"),
        ({"timeout": "soon"}, "not a duration"),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
def test_a_bad_setting_is_refused(more: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        settings(**more)


def test_settings_have_safe_defaults() -> None:
    made = OutboundSettings()
    assert (made.allow_private, made.allow_http, made.proxy, made.ca_file) == (False, False, None, None)
    assert Secret(env="A") is not None
    assert client.open_session(made, "https://bank.example/").trust_env is False


def test_unread_stream_is_closed_with_its_session(serve: Serve) -> None:
    peer = serve(says(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 1_000))
    with open_session(settings(), peer.url, endless=True) as opened:
        response = opened.get(peer.url, stream=True)
        assert next(response.iter_content(10)) == b"x" * 10
        assert not response.raw.closed
    assert response.raw.closed
