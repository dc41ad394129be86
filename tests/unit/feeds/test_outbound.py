"""What is asked of other people's servers: only those configured, never for ever, never without measure."""

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import given, strategies as st

from feeds import addresses, outbound
from feeds.connector import Misconfigured, Secret, TryLater
from feeds.outbound import OutboundSettings, Refused, body, check_url, consequences, session
from feeds.repeats import asked_for
from tests.conformance.authority import Pem, issue

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Script = Callable[[Any, bytes], None]


class Peer:
    """A server that does to each connection what its script says, once a request's head was read."""

    def __init__(self, script: Script, context: ssl.SSLContext | None = None) -> None:
        self.asked: list[bytes] = []
        self._script, self._context = script, context
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.over = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"http{'s' if self._context else ''}://127.0.0.1:{self.port}/"

    def close(self) -> None:
        self.over.set()
        for thread in self._threads:
            thread.join(10)
        self._listening.close()

    def _accept(self) -> None:
        self._listening.settimeout(0.05)
        while not self.over.is_set():
            try:
                opened, _ = self._listening.accept()
            except TimeoutError:
                continue
            self._threads.append(threading.Thread(target=self._serve, args=(opened,)))
            self._threads[-1].start()

    def _serve(self, opened: socket.socket) -> None:
        try:
            opened.settimeout(10)
            with closing(self._context.wrap_socket(opened, server_side=True) if self._context else opened) as stream:
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    piece = stream.recv(1)
                    if not piece:
                        return
                    head += piece
                self.asked.append(head)
                self._script(stream, head)
        except OSError:
            opened.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Peer]]:
    peers: list[Peer] = []

    def start(script: Script, context: ssl.SSLContext | None = None) -> Peer:
        peers.append(Peer(script, context))
        return peers[-1]

    yield start
    for peer in peers:
        peer.close()


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Pem:
    return issue(tmp_path_factory.mktemp("authority"))


def says(answer: bytes) -> Script:
    return lambda stream, _: stream.sendall(answer)


def settings(**more: Any) -> OutboundSettings:
    return OutboundSettings.model_validate({"allow_private": True, "retries": 0, "timeout": "2s", **more})


def ask(peer: Peer, **more: Any) -> requests.Response:
    with session(settings(**more), peer.url) as opened, consequences("peer"):
        return opened.get(peer.url)


def moved(place: str, status: str = "302 Found") -> bytes:
    return f"HTTP/1.1 {status}\r\nLocation: {place}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


def test_a_configured_server_is_asked(serve: Callable[..., Peer]) -> None:
    peer = serve(says(OK))
    assert ask(peer).text == "ok"
    assert b"User-Agent: scamfeed\r\n" in peer.asked[0]


def test_a_redirect_to_another_server_is_not_followed(serve: Callable[..., Peer]) -> None:
    elsewhere = serve(says(OK))
    peer = serve(says(moved(elsewhere.url)))
    with pytest.raises(Misconfigured, match=f"http://127.0.0.1:{elsewhere.port}: another server than the configured"):
        ask(peer)
    assert elsewhere.asked == []


@pytest.mark.parametrize("place", ["https://127.0.0.1:{port}/x", "ftp://127.0.0.1/x", "//localhost:{port}/"])
def test_a_redirect_to_another_scheme_or_name_is_not_followed(serve: Callable[..., Peer], place: str) -> None:
    peer = serve(lambda stream, _: stream.sendall(moved(place.format(port=peer.port))))
    with pytest.raises(Misconfigured):
        ask(peer)
    assert len(peer.asked) == 1


def test_a_redirect_within_the_server_is_followed(serve: Callable[..., Peer]) -> None:
    peer = serve(lambda stream, head: stream.sendall(OK if head.startswith(b"GET /there") else moved("/there")))
    assert ask(peer).text == "ok"


def test_a_circle_of_redirects_ends(serve: Callable[..., Peer]) -> None:
    peer = serve(says(moved("/round")))
    with pytest.raises(TryLater, match="TooManyRedirects"):
        ask(peer)


def test_a_redirect_never_turns_a_post_into_a_get(serve: Callable[..., Peer]) -> None:
    peer = serve(says(moved("/there")))
    with session(settings(), peer.url) as opened, pytest.raises(Misconfigured, match="redirects to /there"):
        opened.post(peer.url, data=b"")
    assert len(peer.asked) == 1


def test_a_link_in_an_answer_leads_nowhere_else(serve: Callable[..., Peer]) -> None:
    peer = serve(says(OK))
    with session(settings(), peer.url) as opened, pytest.raises(Misconfigured, match="another server"):
        opened.get("http://elsewhere.example/secret?token=s3cret")


def test_the_message_shows_no_path_and_no_query(serve: Callable[..., Peer]) -> None:
    peer = serve(says(moved("http://elsewhere.example/a?token=s3cret")))
    with pytest.raises(Misconfigured) as raised:
        ask(peer)
    assert "s3cret" not in str(raised.value)


def test_this_machine_is_not_asked_unless_that_is_allowed(serve: Callable[..., Peer]) -> None:
    peer = serve(says(OK))
    with pytest.raises(Misconfigured, match="set allow_private = true"):
        ask(peer, allow_private=False)
    assert peer.asked == []


def test_a_name_that_leads_to_a_private_address_is_not_asked(
    serve: Callable[..., Peer], monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = serve(says(OK))
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", peer.port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    url = f"http://bank.example:{peer.port}/"
    with session(settings(allow_private=False), url) as opened, pytest.raises(Misconfigured, match=r"bank\.example"):
        opened.get(url)
    assert peer.asked == []


def test_the_address_that_was_looked_at_is_the_one_connected_to(
    serve: Callable[..., Peer], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A name that answers with a public address first and with this machine's own afterwards.
    peer = serve(says(OK))
    answers = iter(["203.0.113.7", *["127.0.0.1"] * 9])

    def resolve(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), peer.port))]

    connected: list[str] = []

    class Noting(socket.socket):
        def connect(self, address: Any) -> None:
            connected.append(address[0])
            raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "socket", Noting)
    monkeypatch.setattr(addresses, "is_public", lambda address: address != "127.0.0.1")
    with pytest.raises(ConnectionRefusedError):
        addresses.connect("rebinding.example", peer.port, timeout=1, allow_private=False)
    assert connected == ["203.0.113.7"]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - an address to refuse
        "224.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fec0::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
        "2001:db8::1",
    ],
)
def test_what_is_not_public(address: str) -> None:
    assert not addresses.is_public(address)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_what_is_public(address: str) -> None:
    assert addresses.is_public(address)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "a.localhost", "127.1", "2130706433", "0x7f.1", "[::1]"])
def test_what_says_that_it_is_private(host: str) -> None:
    assert addresses.is_private_literal(host)


@pytest.mark.parametrize("host", ["bank.example", "1.1.1.1", "[2606:4700:4700::1111]", "127.0.0.1.example"])
def test_what_does_not_say_that_it_is_private(host: str) -> None:
    assert not addresses.is_private_literal(host)


@given(st.text(max_size=60))
def test_no_name_upsets_the_look_at_it(host: str) -> None:
    assert addresses.is_private_literal(host) in (True, False)


def test_a_bomb_is_not_unpacked(serve: Callable[..., Peer]) -> None:
    bomb = gzip.compress(bytes(50 << 20))
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
    peer = serve(says(head + bomb))
    with pytest.raises(TryLater, match="answers with more than max_bytes"):
        ask(peer, max_bytes=1 << 20)


def test_a_bomb_in_a_bomb_is_not_unpacked(serve: Callable[..., Peer]) -> None:
    bomb = gzip.compress(gzip.compress(bytes(200 << 20)))
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
    peer = serve(says(head + bomb))
    with pytest.raises(TryLater, match="answers with more than max_bytes"):
        ask(peer, max_bytes=1 << 20)


def test_what_is_packed_arrives_unpacked(serve: Callable[..., Peer]) -> None:
    packed = gzip.compress(b"all of it" * 1000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    peer = serve(says(head + packed))
    assert ask(peer).content == b"all of it" * 1000


def endless(stream: Any, _: bytes) -> None:
    stream.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        stream.sendall(bytes(1 << 16))


def test_a_body_without_end_is_cut_off(serve: Callable[..., Peer]) -> None:
    with pytest.raises(TryLater, match="answers with more than max_bytes"):
        ask(serve(endless), max_bytes=1 << 20)


def drip(peer: Peer, stream: Any, head: bytes) -> None:
    stream.sendall(head)
    while not peer.over.wait(0.05):
        stream.sendall(b"x")


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Long: ",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 503 Busy\r\nContent-Length: 100000\r\n\r\n",
    ],
)
def test_a_body_or_a_head_that_drips_is_cut_off(serve: Callable[..., Peer], head: bytes) -> None:
    peer = serve(lambda stream, _: drip(peer, stream, head))
    started = time.monotonic()
    with pytest.raises(TryLater):
        ask(peer, answer_within="400ms", retries=1)
    assert time.monotonic() - started < 8


def test_silence_is_cut_off(serve: Callable[..., Peer]) -> None:
    peer = serve(lambda *_: peer.over.wait(5))
    with pytest.raises(TryLater, match="does not answer"):
        ask(peer, timeout="200ms")


def test_a_dripping_greeting_of_tls_is_cut_off(serve: Callable[..., Peer]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        over = threading.Event()

        def greet() -> None:
            opened, _ = listening.accept()
            with opened:
                opened.sendall(b"\x16\x03\x03\x3f\xff")
                while not over.wait(0.05):
                    try:
                        opened.sendall(b"\x00")
                    except OSError:
                        return

        thread = threading.Thread(target=greet)
        thread.start()
        url = f"https://127.0.0.1:{listening.getsockname()[1]}/"
        started = time.monotonic()
        try:
            with session(settings(answer_within="400ms"), url) as opened, pytest.raises(TryLater), consequences("x"):
                opened.get(url)
        finally:
            over.set()
            thread.join()
        assert time.monotonic() - started < 5


def test_a_stream_may_last_and_grow(serve: Callable[..., Peer]) -> None:
    def script(stream: Any, _: bytes) -> None:
        stream.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(4):
            time.sleep(0.1)
            stream.sendall(bytes(1024))

    peer = serve(script)
    few = settings(answer_within="100ms", max_bytes=1024)
    with session(few, peer.url, endless=True) as opened:
        assert len(opened.get(peer.url).content) == 4096


def test_a_body_is_read_as_a_file(serve: Callable[..., Peer]) -> None:
    packed = gzip.compress(b"one\ntwo\n")
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    peer = serve(says(head + packed))
    with session(settings(), peer.url) as opened, opened.get(peer.url, stream=True) as response:
        assert body(response).readlines() == [b"one\n", b"two\n"]


def test_a_busy_server_is_asked_again(serve: Callable[..., Peer]) -> None:
    busy = b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    peer = serve(lambda stream, _: stream.sendall(OK if len(peer.asked) == 3 else busy))
    assert ask(peer, retries=2).text == "ok"


@pytest.mark.parametrize(("status", "words"), [(429, "Slow"), (503, "Busy")])
def test_who_asks_for_a_long_pause_is_not_asked_again_in_this_run(
    serve: Callable[..., Peer], status: int, words: str
) -> None:
    peer = serve(says(f"HTTP/1.1 {status} {words}\r\nRetry-After: 7200\r\nContent-Length: 0\r\n\r\n".encode()))
    with session(settings(retries=3), peer.url) as opened, pytest.raises(TryLater) as caught, consequences("peer"):
        opened.get(peer.url).raise_for_status()
    assert (len(peer.asked), caught.value.after) == (1, 7200.0)


def test_a_short_pause_that_is_asked_for_is_made(serve: Callable[..., Peer]) -> None:
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
def test_how_long_a_peer_asks_to_be_left_alone_is_a_day_at_most(said: str | None, seconds: float) -> None:
    assert asked_for(said) == seconds


@given(st.text())
def test_whatever_retry_after_says_is_a_time_to_wait_or_none(said: str) -> None:
    assert 0 <= asked_for(said) <= 86_400


@pytest.mark.parametrize(("repeat", "times"), [(True, 3), (False, 1)])
def test_posts_are_repeated_only_where_that_is_harmless(serve: Callable[..., Peer], repeat: bool, times: int) -> None:
    peer = serve(says(b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
    with session(settings(retries=2), peer.url, repeat_posts=repeat) as opened:
        assert opened.post(peer.url, data=b"").status_code == 503
    assert len(peer.asked) == times


def test_a_peer_in_trouble_is_not_asked_many_times_as_often(serve: Callable[..., Peer]) -> None:
    peer = serve(says(b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
    with session(settings(retries=5), peer.url) as opened:
        for _ in range(10):
            assert opened.get(peer.url).status_code == 503
    assert 20 <= len(peer.asked) <= 22


def secure(pem: Pem) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem.certificate, pem.key)
    return context


def test_a_certificate_of_a_named_authority_is_trusted(serve: Callable[..., Peer], pem: Pem) -> None:
    peer = serve(says(OK), secure(pem))
    assert ask(peer, ca_file=str(pem.authority)).text == "ok"


def test_another_certificate_is_the_operators_to_mend(serve: Callable[..., Peer], pem: Pem) -> None:
    peer = serve(says(OK), secure(pem))
    with pytest.raises(Misconfigured, match="its certificate is not trusted here"):
        ask(peer)
    assert peer.asked == []


def test_an_authority_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="ca_file: there is no"):
        session(settings(ca_file=str(tmp_path / "none.pem")), "https://bank.example/")


def test_a_broken_greeting_of_tls_is_tried_later(serve: Callable[..., Peer]) -> None:
    peer = serve(lambda *_: None)
    url = peer.url.replace("http:", "https:")
    with pytest.raises(TryLater), session(settings(timeout="300ms"), url) as opened, consequences("peer"):
        opened.get(url)


def test_a_proxy_is_gone_through(serve: Callable[..., Peer], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROXY_PASSWORD", "p@ss")
    proxy = serve(says(OK))
    through = settings(allow_private=False, proxy=proxy.url, proxy_user="hub", proxy_password={"env": "PROXY_PASSWORD"})
    with session(through, "http://bank.example/") as opened:
        assert opened.get("http://bank.example/x").text == "ok"
    assert proxy.asked[0].startswith(b"GET http://bank.example/x HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic aHViOnBAc3M=\r\n" in proxy.asked[0]


def test_a_proxy_is_not_sent_to_private_addresses(serve: Callable[..., Peer]) -> None:
    proxy = serve(says(OK))
    through = settings(allow_private=False, proxy=proxy.url)
    with session(through, "http://localhost/") as opened, pytest.raises(Misconfigured, match="allow_private"):
        opened.get("http://localhost/")
    assert proxy.asked == []


def test_a_proxy_that_is_away_is_tried_later(serve: Callable[..., Peer]) -> None:
    peer = serve(says(OK))
    peer.close()
    url = "https://bank.example/"
    with session(settings(proxy=peer.url), url) as opened, pytest.raises(TryLater, match="proxy"), consequences("bank"):
        opened.get(url)


def test_nothing_is_taken_from_the_environment(serve: Callable[..., Peer], monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere, peer = serve(says(OK)), serve(says(OK))
    monkeypatch.setenv("HTTP_PROXY", elsewhere.url)
    monkeypatch.setenv("http_proxy", elsewhere.url)
    assert ask(peer).text == "ok"
    assert elsewhere.asked == []


@pytest.mark.parametrize(
    ("status", "follows"),
    [
        *((status, Refused) for status in (400, 413, 422)),
        *((status, Misconfigured) for status in (401, 403, 404, 406, 410)),
        *((status, TryLater) for status in (408, 409, 425, 429, 500, 502, 503, 504)),
    ],
)
def test_what_follows_from_a_status(serve: Callable[..., Peer], status: int, follows: type[Exception]) -> None:
    peer = serve(says(f"HTTP/1.1 {status} Said\r\nContent-Length: 0\r\n\r\n".encode()))
    with session(settings(), peer.url) as opened, pytest.raises(follows), consequences("peer"):
        opened.get(peer.url).raise_for_status()


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"])
def test_whatever_is_no_answer_is_tried_later(serve: Callable[..., Peer], answer: bytes) -> None:
    with pytest.raises(TryLater):
        ask(serve(says(answer)))


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("bank.example", "begins with https://"),
        ("ftp://bank.example/", "begins with https://"),
        ("https://", "names a server"),
        ("https://[::1/", "not a URL"),
        ("https://bank.example:port/", "not a URL"),
        ("https://hub:s3cret@bank.example/", "no user or password in it"),
        ("http://bank.example/", "set allow_http"),
    ],
)
def test_a_url_that_is_not_to_be_asked(url: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault) as raised:
        check_url(url, credentials=True, allow_http=False)
    assert "s3cret" not in str(raised.value)


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
    assert outbound.session(made, "https://bank.example/").trust_env is False
