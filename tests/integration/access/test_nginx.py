"""The nginx example in front of a running server: TLS, client certificates, rejected and forwarded requests."""

import contextlib
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time
import tomllib
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests

from schemas.partner import Partner, PartnerKind
from server.store import partners
from tests.integration.access.conftest import TAXII, Hub, Serve, eventually, tool
from tests.integration.access.test_certificates import Authority
from tests.orphans import dying
from tests.ports import free_port

DEPLOY = Path(__file__).parents[3] / "docs" / "deploy"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
MIB = 1024 * 1024

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed: apt-get install nginx-light")


@dataclass
class Front:
    """nginx on ``port`` with a certificate of ``authority``, in front of ``hub``."""

    hub: Hub
    port: int
    authority: Authority
    log: Path

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def objects(self) -> str:
        return self.hub.objects.replace(self.hub.url, self.url)

    def ask(self, url: str = "", method: str = "GET", **more: Any) -> requests.Response:
        more.setdefault("auth", (self.hub.bank.user, self.hub.bank.password))
        return requests.request(method, url or self.objects, verify=str(self.authority.file), timeout=60, **more)

    def connect(self) -> ssl.SSLSocket:
        """Open a raw connection."""
        tls = ssl.create_default_context(cafile=str(self.authority.file))
        return tls.wrap_socket(socket.create_connection(("127.0.0.1", self.port), 120), server_hostname="127.0.0.1")

    def begin_post(self, connection: ssl.SSLSocket, length: int) -> None:
        """Send the head of a POST."""
        path = self.objects.removeprefix(self.url)
        head = f"POST {path} HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {self.hub.bank.token}\r\n"
        connection.sendall(f"{head}Content-Type: {TAXII}\r\nContent-Length: {length}\r\n\r\n".encode())


def settings() -> dict[str, str]:
    """Read from the example the settings that a server behind nginx needs."""
    packaged = tomllib.loads((DEPLOY.parents[1] / "packaging" / "scamfeed.toml").read_text())
    return {name: packaged[name] for name in ("trusted_proxies", "client_certificate_header", "access_log")}


def put(text: str, old: str, new: str) -> str:
    """Replace a value of the example by this machine's, and fail if it is missing."""
    assert old in text, old
    return text.replace(old, new)


def adapted(folder: Path, port: int, hub: Hub, authority: Authority, patience: str = "300s") -> str:
    """Return the example with other ports, folders and certificates, and with this patience with slow clients."""
    certificate, key = authority.issue("nginx", server=True)
    text = (DEPLOY / "nginx.conf").read_text()
    for old, new in (
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("server 127.0.0.1:8000;", f"server {hub.url.removeprefix('http://')};"),
        ("/etc/scamfeed/tls/server.pem", str(certificate)),
        ("/etc/scamfeed/tls/server.key", str(key)),
        ("/etc/scamfeed/tls/partners-ca.pem", str(authority.file)),
        ("/run/", f"{folder}/"),
        ("/var/log/nginx/", f"{folder}/"),
        ("client_header_timeout 10s;", f"client_header_timeout {patience};"),
        ("client_body_timeout 20s;", f"client_body_timeout {patience};"),
    ):
        text = put(text, old, new)
    kept = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    own = "".join(f"    {name}_temp_path {folder}/{name};\n" for name in kept)
    # Only its own user can open the folder of a test.
    user = "user root;\n" if os.geteuid() == 0 else ""
    return user + put(text, "http {\n", f"http {{\n{own}")


@pytest.fixture
def front(serve: Serve, tmp_path: Path) -> Iterator[Front]:
    """Run nginx and a hub for one test."""
    with fronting(serve, tmp_path) as found:
        yield found


@pytest.fixture(scope="module")
def common_front(serve_all: Serve, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """Run nginx and a hub for tests that tolerate requests of other tests."""
    with fronting(serve_all, tmp_path_factory.mktemp("nginx")) as found:
        yield found


@contextlib.contextmanager
def fronting(serve: Serve, folder: Path, patience: str = "300s") -> Iterator[Front]:
    hub, authority = serve(**settings()), Authority(folder, "authority")
    port = free_port()
    with run_nginx(folder, port, adapted(folder, port, hub, authority, patience)):
        yield Front(hub, port, authority, folder / "scamfeed.log")


@contextlib.contextmanager
def run_nginx(folder: Path, port: int, text: str) -> Iterator[None]:
    """Run nginx in ``folder`` with the configuration ``text`` until the test ends."""
    config = folder / "nginx.conf"
    config.write_text(text)
    errors = folder / "error.log"
    command = [str(NGINX), "-p", str(folder), "-e", str(errors), "-c", str(config), "-g", "daemon off;"]
    process = subprocess.Popen(dying(*command, by=signal.SIGTERM))

    def listens() -> bool:
        assert process.poll() is None, errors.read_text()
        with socket.socket() as trying:
            return trying.connect_ex(("127.0.0.1", port)) == 0

    try:
        eventually(listens)
        yield
    finally:
        process.terminate()
        process.wait(60)


def refused(answer: requests.Response, status: int) -> dict[str, str]:
    """Read an error resource of nginx itself."""
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, TAXII)
    resource: dict[str, str] = answer.json()
    assert resource["http_status"] == str(status)
    return resource


def test_partners_read_and_post_through_nginx_over_tls(front: Front) -> None:
    sent = [tool(id=f"tool--{uuid.uuid4()}") for _ in range(3)]
    done = front.ask(method="POST", json={"objects": sent}, headers={"Content-Type": TAXII})
    assert done.status_code == 202
    assert done.json()["success_count"] == 3
    assert {item["id"] for item in front.ask().json()["objects"]} == {item["id"] for item in sent}
    # nginx passes the server's errors, page and health unchanged.
    missing = front.ask(front.url + "/nowhere/", headers={"Accept": TAXII})
    assert uuid.UUID(missing.json()["error_id"])
    assert missing.headers["Content-Type"] == TAXII
    assert front.ask(auth=None).headers["WWW-Authenticate"].startswith("Basic")
    assert front.ask(front.url + "/", auth=None).headers["Content-Type"] == "text/html; charset=utf-8"
    assert front.ask(front.url + "/health", auth=None).json() == {"status": "ok"}


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_only_tls_1_2_and_newer_is_accepted(common_front: Front) -> None:
    for version, taken in ((ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_1, False)):
        tls = ssl.create_default_context(cafile=str(common_front.authority.file))
        tls.set_ciphers("ALL:@SECLEVEL=0")
        with closing(socket.create_connection(("127.0.0.1", common_front.port), 30)) as plain:
            try:
                tls.minimum_version = tls.maximum_version = version
                tls.wrap_socket(plain, server_hostname="127.0.0.1").close()
                spoken = True
            except ssl.SSLError:
                spoken = False
        assert spoken is taken
    refused(requests.get(common_front.url.replace("https", "http") + "/taxii2/", timeout=60), 400)


def test_client_certificate_is_forwarded_and_identifies_a_partner(front: Front, tmp_path: Path) -> None:
    certificate = front.authority.issue("bank")
    pair = (str(certificate[0]), str(certificate[1]))
    assert front.ask(auth=None, cert=pair).status_code == 401
    with front.hub.store.begin() as tx:
        partners.set_certificate(tx, "bank", certificate[0].read_text())
    assert front.ask(auth=None, cert=pair).status_code == 200
    assert front.ask(auth=None).status_code == 401
    rogue = Authority(tmp_path, "rogue").issue("bank")
    refused(front.ask(auth=None, cert=(str(rogue[0]), str(rogue[1]))), 400)


def test_client_supplied_proxy_headers_are_dropped_by_nginx(front: Front) -> None:
    certificate = front.authority.issue("bank")
    with front.hub.store.begin() as tx:
        partners.set_certificate(tx, "bank", certificate[0].read_text())
        identity = "identity--22222222-2222-4222-8222-222222222222"
        partners.add(tx, Partner(name="ngo", kind=PartnerKind.NGO, identity=identity, vouched=True))
        ngo = front.authority.issue("ngo")
        partners.set_certificate(tx, "ngo", ngo[0].read_text())
    claimed = {"X-Client-Certificate": requests.utils.quote(certificate[0].read_text())}
    # The server would believe the header if it came from nginx.
    assert front.hub.get(auth=None, headers=claimed).status_code == 200
    assert front.ask(auth=None, headers=claimed).status_code == 401
    assert front.ask(auth=None, headers=claimed, cert=(str(ngo[0]), str(ngo[1]))).status_code == 404
    front.ask(headers={"X-Forwarded-For": "203.0.113.7", "Forwarded": "for=203.0.113.7"})
    assert "203.0.113.7" not in front.hub.log.read_text()


def test_metrics_are_hidden_from_outside(common_front: Front) -> None:
    refused(common_front.ask(common_front.url + "/metrics"), 404)
    # Another spelling does not help: a forwarded request never counts as local.
    for path in ("/metrics/", "//metrics", "/%6detrics", "/x/../metrics"):
        assert common_front.ask(common_front.url + path).status_code == 404
    assert requests.get(common_front.hub.url + "/metrics", timeout=60).status_code == 200


def test_compressed_responses_pass_unchanged(common_front: Front) -> None:
    common_front.hub.post([tool(id=f"tool--{uuid.uuid4()}") for _ in range(200)])
    for encoding in ("gzip", "zstd", "identity"):
        asked = {"Accept-Encoding": encoding}
        with (
            common_front.ask(headers=asked, stream=True) as through,
            common_front.hub.get(headers=asked, stream=True) as direct,
        ):
            assert through.headers.get("Content-Encoding", "identity") == encoding
            assert through.headers["Content-Length"] == direct.headers["Content-Length"]
            assert through.raw.read(decode_content=False) == direct.raw.read(decode_content=False)


def test_too_large_body_is_refused_by_its_head(common_front: Front) -> None:
    with common_front.connect() as connection:
        common_front.begin_post(connection, 100 * MIB + 1)
        said = connection.recv(65_536).decode()
    assert said.startswith("HTTP/1.1 413 ")
    assert f"Content-Type: {TAXII}\r\n" in said
    assert '"http_status":"413"' in said
    eventually(lambda: " 413 POST " in common_front.log.read_text())


@pytest.mark.long
def test_slow_heads_and_slow_bodies_are_cut_off_before_the_server_sees_them(serve: Serve, tmp_path: Path) -> None:
    with fronting(serve, tmp_path, patience="1s") as front:
        for head_only in (True, False):
            with front.connect() as connection:
                if head_only:
                    connection.sendall(b"GET /taxii2/ HTTP/1.1\r\nHost: hub\r\n")
                else:
                    front.begin_post(connection, 1_000)
                    connection.sendall(b"{")
                began = time.monotonic()
                try:
                    cut = connection.recv(65_536) == b""
                except (ConnectionResetError, ssl.SSLError):
                    cut = True
                assert cut
                # nginx itself would wait a minute.
                assert 0.5 < time.monotonic() - began < 60
        # On a busy machine, a client may be slow itself.
        eventually(lambda: front.ask().status_code == 200)
        lines = [line for line in front.hub.log.read_text().splitlines() if '"event":"request"' in line]
        assert [re.search(r'"method":"(\w+)"', line)[1] for line in lines] == ["GET"]  # type: ignore[index]


def test_many_slow_bodies_delay_no_other_client(common_front: Front) -> None:
    slow = [common_front.connect() for _ in range(40)]
    for connection in slow:
        common_front.begin_post(connection, 1_000)
    began = time.monotonic()
    assert common_front.ask().status_code == 200
    assert time.monotonic() - began < 60
    for connection in slow:
        connection.close()


def test_unreachable_server_is_an_error_resource_with_a_logged_id(front: Front) -> None:
    front.hub.process.terminate()
    front.hub.process.wait(60)
    resource = refused(front.ask(), 502)
    eventually(lambda: resource["error_id"] in front.log.read_text())
    assert "objects" not in front.log.read_text()


def test_malformed_request_gets_an_error_resource(common_front: Front) -> None:
    long = "/" + "x" * 40_000
    for line, statuses in (
        (f"GET {long} HTTP/1.1", (414,)),
        ("CONNECT example.org:443 HTTP/1.1", (400, 405)),
        ("GET /%00 HTTP/1.1", (400,)),
        ("GET /feed/%00secret-word/ HTTP/1.1", (400,)),
        ("GET /%zz HTTP/1.1", (400,)),
        ("GET /../../secret-word HTTP/1.1", (400,)),
        ("secret-word / HTTP/1.1", (400, 405)),
        ("GET /secret-word HTTP/9.9", (400, 505)),
        ("TRACE /secret-word HTTP/1.1", (405,)),
        ("GET secret-word HTTP/1.1", (400,)),
    ):
        with common_front.connect() as connection:
            # nginx may refuse the line and close before all of it is sent. Its response arrives even then.
            with contextlib.suppress(OSError):
                connection.sendall(f"{line}\r\nHost: hub\r\nConnection: close\r\n\r\n".encode())
            with connection.makefile("rb") as read:
                head, _, body = read.read().partition(b"\r\n\r\n")
        status = int(head.split()[1])
        assert status in statuses, (line[:40], head)
        assert f"Content-Type: {TAXII}".encode() in head, (line[:40], head)
        assert orjson.loads(body)["http_status"] in map(str, statuses)
    # The files of error pages cannot be requested directly.
    refused(common_front.ask(common_front.url + "/.refused"), 404)


def test_no_log_contains_a_request_line(front: Front) -> None:
    word = "secret-word"
    front.ask(f"{front.objects}?match[id]={word}")
    front.ask(f"{front.url}/{word}/%00")
    for line in (f"{word} /{word} HTTP/1.1\r\n{word}: {word}", f"GET /{word}?{'x' * 20_000} HTTP/1.1"):
        with front.connect() as connection:
            connection.sendall(f"{line}\r\n\r\n".encode())
            connection.recv(1_000)
    with front.connect() as connection:
        front.begin_post(connection, 100 * MIB + 1)
        connection.recv(1_000)
    # A body that nginx buffers in a file, and an unreachable server.
    front.ask(f"{front.objects}?{word}", "POST", data=b"x" * 3 * MIB, headers={"Content-Type": TAXII})
    front.hub.process.terminate()
    front.hub.process.wait(60)
    assert front.ask(f"{front.objects}?match[id]={word}").status_code == 502
    eventually(lambda: " 502 GET " in front.log.read_text())
    for log in (front.log, front.log.with_name("scamfeed-error.log"), front.hub.log):
        text = log.read_text()
        assert word not in text
        assert "xxxx" not in text
