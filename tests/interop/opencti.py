"""A stand-in for OpenCTI's GraphQL endpoint that accepts and records every request."""

import contextlib
import json
import re
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_FIRST_FIELD = re.compile(r"\{\s*(\w+)")


@dataclass
class Platform:
    """An address for pycti, and its mutations by name in order."""

    url: str = ""
    sent: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return the minimal response that lets pycti continue."""
        head, brace, rest = asked["query"].partition("{")
        found = _FIRST_FIELD.match(brace + rest)
        assert found is not None
        name = found[1]
        if name == "vocabularyCategories":
            return {name: []}
        if head.strip().startswith("mutation"):
            self.sent.setdefault(name, []).append(asked["variables"])
            return {name: {"id": str(uuid.uuid4()), "entity_type": name, "parent_types": []}}
        return {name: {"edges": [], "pageInfo": {"hasNextPage": False}}}


@contextlib.contextmanager
def stand_in() -> Iterator[Platform]:
    """Listen on this machine until the test ends."""
    platform = Platform()

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps({"data": platform.answer(asked)}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Log no requests."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) as server:
        platform.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield platform
        server.shutdown()
