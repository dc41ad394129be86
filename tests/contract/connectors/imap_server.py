"""A mail server with the subset of IMAP4rev1 that the tests need, and with faults."""

import base64
import re
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class MailServer:
    """A mailbox with one folder. Faults: ``cut``, ``silent``, ``busy``, ``huge``, ``trickle``."""

    fault: str = ""
    port: int = 0
    password: str = "s3cret"
    validity: int = 7
    mails: dict[int, bytes] = field(default_factory=dict)
    capabilities: str = "IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2"
    context: ssl.SSLContext | None = None
    starttls: bool = False
    said: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def deliver(self, mail: bytes) -> int:
        """Put a mail into the folder, and return its UID."""
        uid = max(self.mails, default=0) + 1
        self.mails[uid] = mail
        return uid

    def renumber(self) -> None:
        """Assign new UIDs to all mails, like a server that lost its index."""
        self.validity += 1
        self.mails = {place + 100: mail for place, mail in enumerate(self.mails.values())}


@contextmanager
def serving(server: MailServer) -> Iterator[None]:
    """Run ``server``, and set its ``port``."""
    handler = type("Bound", (_Handler,), {"server_": server})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as listening:
        listening.daemon_threads = True
        server.port = listening.server_address[1]
        thread = threading.Thread(target=listening.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield
        finally:
            server.over.set()
            listening.shutdown()
            thread.join()


class _Handler(socketserver.StreamRequestHandler):
    server_: MailServer

    def setup(self) -> None:
        server = self.server_
        if server.context and not server.starttls:
            self._secure(server.context)
        super().setup()

    def finish(self) -> None:
        super().finish()
        self.request.close()

    def _secure(self, context: ssl.SSLContext) -> None:
        plain = self.request
        self.request = context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        try:
            self.request.do_handshake()
        except OSError:
            # A client that does not trust us has disconnected, and the next read reports it.
            self.request.close()
            self.request = socket.socket()

    def handle(self) -> None:
        server = self.server_
        try:
            if server.fault == "cut":
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            if server.fault == "silent":
                server.over.wait(60)
                return
            self._send_line(f"* OK [CAPABILITY {server.capabilities}] ready")
            while line := self.rfile.readline():
                tag, _, rest = line.decode().strip().partition(" ")
                server.said.append(rest)
                if not self._do(tag, rest):
                    return
        except (OSError, ValueError):
            return

    def _do(self, tag: str, rest: str) -> bool:
        server, word = self.server_, rest.split(" ")[0].upper()
        if word == "CAPABILITY":
            self._send_line(f"* CAPABILITY {server.capabilities}")
        elif word == "STARTTLS" and server.context:
            self._send_line(f"{tag} OK begin")
            self.rfile.close()
            self._secure(server.context)
            self.connection = self.request
            self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)  # type: ignore[assignment]
            return True
        elif word == "AUTHENTICATE":
            self._send_line("+ ")
            told = base64.b64decode(self.rfile.readline().strip()).decode()
            return self._logged_in(tag, told in (f"\0u\0{server.password}", "user=u\1auth=Bearer t0ken\1\1"))
        elif word == "LOGIN":
            return self._logged_in(tag, rest.split(" ")[1:] == ["u", f'"{server.password}"'])
        elif word == "EXAMINE":
            if rest.partition(" ")[2] != '"INBOX"':
                self._send_line(f"{tag} NO [NONEXISTENT] no such folder")
                return True
            self._send_line(f"* {len(server.mails)} EXISTS\r\n* OK [UIDVALIDITY {server.validity}] valid")
        elif rest.upper().startswith("UID FETCH"):
            self._fetch(rest)
        elif word == "LOGOUT":
            self._send_line(f"* BYE\r\n{tag} OK")
            return False
        self._send_line(f"{tag} OK done")
        return True

    def _logged_in(self, tag: str, right: bool) -> bool:
        if self.server_.fault == "busy":
            self._send_line(f"{tag} NO [UNAVAILABLE] later")
        else:
            self._send_line(
                f"{tag} OK in" if right else f"{tag} NO [AUTHENTICATIONFAILED] {self.server_.password} is right"
            )
        return True

    def _fetch(self, rest: str) -> None:
        _, _, uids, what = rest.split(" ", 3)
        first, _, open_ended = uids.partition(":")
        last = max(self.server_.mails, default=0)
        for place, (uid, mail) in enumerate(sorted(self.server_.mails.items()), 1):
            if uid != int(first) and not (open_ended and (uid > int(first) or uid == last)):
                continue
            if "RFC822.SIZE" in what:
                self._send_line(f"* {place} FETCH (UID {uid} RFC822.SIZE {len(mail)})")
                continue
            most = re.search(r"<0\.(\d+)>", what)
            part = mail[: int(most[1])] if most else mail
            if self.server_.fault == "huge":
                self._send_line(f"* {place} FETCH (UID {uid} BODY[]<0> {{{1 << 40}}}")
                self.server_.over.wait(60)
                return
            self._send_line(f"* {place} FETCH (UID {uid} BODY[]<0> {{{len(part)}}}")
            if self.server_.fault == "trickle":
                for byte in part:
                    self.wfile.write(bytes([byte]))
                    self.server_.over.wait(0.05)
            self.wfile.write(part + b")\r\n")

    def _send_line(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")
