"""A time-stamping authority made with openssl."""

import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

_CONFIGURATION = """
[tsa]
serial = serial
signer_cert = tsa.pem
signer_key = tsa.key
default_policy = 1.2.3.4.1
digests = sha256, sha512
signer_digest = sha256
ordering = no
tsa_name = no
ess_cert_id_chain = no
ess_cert_id_alg = sha256
[ext]
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[req]
distinguished_name = name
[name]
"""


def make_authority(folder: Path) -> None:
    """Make the keys and certificates of an authority in a folder. Its root is ``ca.pem``."""
    (folder / "tsa.cnf").write_text(_CONFIGURATION)
    (folder / "serial").write_text("01\n")
    key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
    for command in (
        f"req -x509 {key} -keyout ca.key -out ca.pem -subj /CN=Root -days 9 -config tsa.cnf -extensions ca",
        f"req {key} -keyout tsa.key -out tsa.csr -subj /CN=TSA -config tsa.cnf",
        "x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -set_serial 2 -days 9 -out tsa.pem -extfile tsa.cnf "
        "-extensions ext",
    ):
        subprocess.run(f"openssl {command}".split(), cwd=folder, check=True, capture_output=True)


def stamped(folder: Path, request: bytes) -> bytes:
    """Return the authority's response to a request."""
    name = secrets.token_hex(8)
    (folder / name).write_bytes(request)
    command = f"openssl ts -reply -config tsa.cnf -section tsa -queryfile {name} -out {name}.tsr"
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    return (folder / f"{name}.tsr").read_bytes()


@contextmanager
def serving_authority(folder: Path) -> Iterator[str]:
    """Yield the URL of the authority in a folder."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = stamped(folder, body)
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
