"""A mail server on loopback: STARTTLS with a certificate of its own, scripted refusals, and hangs."""

import contextlib
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.certificates import curve_key


class MailServer:
    """Takes mails; ``refusals`` has the replies to RCPT by address, ``reply`` the one to the end of a mail.

    ``offers_tls`` off: there is no STARTTLS. ``hangs``: it accepts connections, and says nothing. ``taken`` is called
    after a mail was stored, and before the sender learns of it.
    """

    def __init__(self, folder: Path) -> None:
        """Make the certificate in ``folder``."""
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.refusals: dict[str, str] = {}
        self.reply = "250 ok"
        self.offers_tls = True
        self.hangs = False
        self.connections = 0
        self.taken: Callable[[], None] = lambda: None
        self.over = threading.Event()
        self.certificate = certificate_in(folder)
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(self.certificate)
        self.port = 0

    @contextlib.contextmanager
    def served(self) -> Iterator["MailServer"]:
        """Serve until the end of the block."""
        owner = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError), contextlib.ExitStack() as opened:
                    _converse(owner, self.request, opened)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, request: object, client_address: object) -> None:
                del request, client_address  # the sender was killed

        with Server(("127.0.0.1", 0), Handler) as server:
            self.port = server.server_address[1]
            thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
            thread.start()
            try:
                yield self
            finally:
                self.over.set()
                server.shutdown()
                thread.join()


def _converse(owner: MailServer, connection: socket.socket, opened: contextlib.ExitStack) -> None:
    owner.connections += 1
    if owner.hangs:
        owner.over.wait()
        return
    stream = opened.enter_context(connection.makefile("rwb", buffering=0))

    def say(text: str) -> None:
        stream.write(f"{text}\r\n".encode())

    say("220 mail.hub.example")
    is_secret = False
    recipient = ""
    while line := stream.readline().decode().strip():
        word = line[:4].upper()
        if word in ("EHLO", "HELO"):
            say("250-mail.hub.example")
            say("250 STARTTLS" if owner.offers_tls and not is_secret else "250 SIZE 1000000")
        elif word == "STAR":
            say("220 go on")
            connection = opened.enter_context(owner.tls.wrap_socket(connection, server_side=True))
            stream = opened.enter_context(connection.makefile("rwb", buffering=0))
            is_secret = True
        elif word == "MAIL":
            say("250 ok" if is_secret else "530 STARTTLS first")
        elif word == "RCPT":
            recipient = line.partition("<")[2].partition(">")[0]
            say(owner.refusals.get(recipient, "250 ok"))
        elif word == "DATA":
            say("354 go on")
            lines = []
            while (got := stream.readline()) not in (b".\r\n", b""):
                lines.append(got.removeprefix(b"."))
            if owner.reply.startswith("2"):
                owner.mails.append(message_from_bytes(b"".join(lines), _class=EmailMessage, policy=policy.default))
                owner.recipients.append(recipient)
            owner.taken()
            say(owner.reply)
        else:
            say("221 bye" if word == "QUIT" else "250 ok")
            if word == "QUIT":
                return


def certificate_in(folder: Path, subject: str = "localhost") -> Path:
    """Make a certificate for localhost, and return the file with it and its key."""
    key, name = curve_key(), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)])
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, begin, begin + timedelta(days=36_500))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    made = builder.sign(key, SHA256()).public_bytes(Encoding.PEM)
    file = folder / "mail.pem"
    file.write_bytes(made + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return file
