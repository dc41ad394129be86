"""Registries on loopback: an RDAP server with IANA's lists, and a resolver; both answer by a script."""

import contextlib
import json
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import dns.flags
import dns.message
import dns.rcode
import dns.rrset


def abuse_desk(name: str, address: str = "", form: str = "", country: str = "") -> dict[str, Any]:
    """Return an entity with an abuse desk, as registries write it (RFC 9083, RFC 7095)."""
    card: list[Any] = [["version", {}, "text", "4.0"], ["fn", {}, "text", "Abuse desk"]]
    if address:
        card.append(["email", {}, "text", address])
    if form:
        card.append(["contact-uri", {}, "uri", form])
    owner: list[Any] = [["version", {}, "text", "4.0"], ["fn", {}, "text", name]]
    if country:
        owner.append(["adr", {"cc": country}, "text", ["", "", "", "", "", "", ""]])
    desk = {"objectClassName": "entity", "roles": ["abuse"], "vcardArray": ["vcard", card]}
    return {"objectClassName": "entity", "vcardArray": ["vcard", owner], "entities": [desk]}


@dataclass
class Registries:
    """The servers' answers: RDAP by path, and addresses by name. A name that is not known does not exist.

    ``fault`` is a status with which RDAP answers everything. ``dns_fault``: the resolver answers SERVFAIL.
    """

    rdap: dict[str, Any] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    fault: int = 0
    dns_fault: bool = False
    asked: list[str] = field(default_factory=list)
    url: str = ""
    resolver: str = ""

    def domain(self, name: str, registrar: dict[str, Any] | None = None, **more: Any) -> None:
        """Register a name: it gets a registrar, and resolves."""
        entities = [{**registrar, "roles": ["registrar"]}] if registrar else []
        events = [{"eventAction": "registration", "eventDate": more.pop("registered", "2026-01-01T00:00:00Z")}]
        answer = {"objectClassName": "domain", "ldhName": name, "events": events, "entities": entities, **more}
        self.rdap[f"/domain/{name}"] = answer
        self.names.setdefault(name, "192.0.2.7")

    def network(self, address: str, owner: dict[str, Any], country: str = "") -> None:
        """Give the network of an address an owner."""
        answer: dict[str, Any] = {"objectClassName": "ip network", "entities": [{**owner, "roles": ["registrant"]}]}
        self.rdap[f"/ip/{address}"] = answer | ({"country": country} if country else {})

    @contextlib.contextmanager
    def served(self) -> Iterator["Registries"]:
        """Serve until the end of the block."""
        owner = self

        class Http(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = unquote(self.path)
                owner.asked.append(path)
                status, body = owner.answer(path)
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/rdap+json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: object) -> None:
                del args

        class Udp(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                data, socket = self.request
                socket.sendto(owner.resolve(data), self.client_address)

        with ThreadingHTTPServer(("127.0.0.1", 0), Http) as http, socketserver.UDPServer(("127.0.0.1", 0), Udp) as udp:
            self.url = f"http://127.0.0.1:{http.server_port}"
            self.resolver = f"127.0.0.1:{udp.server_address[1]}"
            threads = [
                threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True) for server in (http, udp)
            ]
            for thread in threads:
                thread.start()
            try:
                yield self
            finally:
                http.shutdown()
                udp.shutdown()
                for thread in threads:
                    thread.join()

    def answer(self, path: str) -> tuple[int, Any]:
        """Return the answer to a request."""
        lists = {"dns": ["com", "net", "org", "th"], "ipv4": ["0.0.0.0/0"], "ipv6": ["::/0"]}
        name = path.removeprefix("/iana/").removesuffix(".json")
        if name in lists:
            return 200, {"version": "1.0", "services": [[lists[name], [f"{self.url}/"]]]}
        if self.fault:
            return self.fault, {}
        return (200, self.rdap[path]) if path in self.rdap else (404, {"errorCode": 404})

    def resolve(self, data: bytes) -> bytes:
        """Return the answer of the resolver."""
        query = dns.message.from_wire(data)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True)
        self.asked.append(f"dns:{name}")
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if self.dns_fault:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif name not in self.names:
            response.set_rcode(dns.rcode.NXDOMAIN)
        elif question.rdtype == 1:
            response.answer.append(dns.rrset.from_text(question.name, 60, "IN", "A", self.names[name]))
        return response.to_wire()
