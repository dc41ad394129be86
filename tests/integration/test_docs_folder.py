"""The documentation over a real socket: its files, HEAD, and attempts to leave the folder."""

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from server.setup import set_up
from server.store import Store
from tests.integration.peers import scamfeed

SECRET = b"not for readers"
Answer = tuple[int, dict[str, str], bytes]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("hub")
    site = folder / "site"
    site.mkdir()
    (site / ".buildinfo").touch()
    (site / "index.html").write_text("<h1>Start</h1>")
    (site / "page.html").write_text("<h1>Page</h1>")
    (site / "ถอน.html").write_text("<h1>Thai</h1>")
    for place in (folder / "secret.html", site / ".hidden.html", site / "key.pem"):
        place.write_bytes(SECRET)
    (site / "link.html").symlink_to(folder / "secret.html")
    (site / "outside").symlink_to(folder)
    store = Store.open(f"sqlite:///{folder / 'hub.db'}")
    set_up(store)
    with scamfeed(store.url, folder / "log", docs_folder=site) as found:
        yield found
    store.close()


def ask(address: str, target: str, method: str = "GET") -> Answer:
    """Send a target as it is: a client library would mend it."""
    parts = urlsplit(address)
    with socket.create_connection((str(parts.hostname), int(parts.port or 0)), 60) as wire:
        lines = f"{method} {target} HTTP/1.1\r\nHost: hub\r\nAccept: text/html\r\nConnection: close\r\n\r\n"
        wire.sendall(lines.encode())
        answer = b"".join(iter(lambda: wire.recv(65_536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *fields = head.decode().split("\r\n")
    return int(first.split()[1]), {name.lower(): value for name, _, value in (f.partition(": ") for f in fields)}, body


def test_page_is_served_with_type_and_policy(address: str) -> None:
    status, headers, body = ask(address, "/docs/page.html")
    assert (status, headers["content-type"], body) == (200, "text/html; charset=utf-8", b"<h1>Page</h1>")
    assert headers["cache-control"] == "no-cache"
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self' 'wasm-unsafe-eval';")


@pytest.mark.parametrize(
    "target", ["/docs/", "/docs/index.html", "/docs/page%2ehtml", "/docs/%E0%B8%96%E0%B8%AD%E0%B8%99.html"]
)
def test_head_has_the_header_of_get_and_no_body(address: str, target: str) -> None:
    status, headers, body = ask(address, target)
    only = ask(address, target, "HEAD")
    assert status == 200
    assert (only[0], only[1]["content-length"], only[2]) == (200, str(len(body)), b"")
    assert only[1]["etag"] == headers["etag"]


def test_start_page_has_an_address_with_a_slash(address: str) -> None:
    status, headers, _ = ask(address, "/docs")
    assert (status, headers["location"]) == (308, "/docs/")


@pytest.mark.parametrize(
    "target",
    [
        *(
            "/docs/none.html",
            "/docs/page.html/",
            "/docs//page.html",
            "/docs/page.html%00",
            "/docs/%00",
            "/docs/%ff.html",
        ),
        *("/docs/../secret.html", "/docs/%2e%2e/secret.html", "/docs/..%2fsecret.html", "/docs/%2e%2e%2fsecret.html"),
        *("/docs/..%5csecret.html", "/docs/%252e%252e%252fsecret.html", "/docs//etc/passwd", "/docs/%2fetc%2fpasswd"),
        *("/docs/link.html", "/docs/outside/secret.html", "/docs/outside/", "/docs/.hidden.html", "/docs/key.pem"),
        f"/docs/{'x' * 4_000}.html",
    ],
)
def test_all_else_is_the_same_refusal(address: str, target: str) -> None:
    status, headers, body = ask(address, target)
    assert status == 404
    assert headers["content-type"].startswith("text/html")
    assert b"Page not found" in body
    assert SECRET not in body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_documentation_is_only_read(address: str, method: str) -> None:
    assert ask(address, "/docs/page.html", method)[0] == 405
