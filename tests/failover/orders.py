"""Takedown orders: an authority sends them to a platform, which reads them, through hubs that die."""

import threading
import time
import uuid
from typing import Any

from tests.failover.hubs import Partner

POLICE, PLATFORM = "Cyber Police", "Example Platform"
ALLOWED_SECONDS = 7_200
# The hub takes 10,000 orders of one authority a day, and a run may last for an hour.
_PAUSE = 2.0
_ORDER = {
    **{"asks": "take-down", "basis": "order", "authority": "Criminal Court", "legal_basis": "court-order"},
    **{"legal_reference": "DES-2026-117", "explanation": ["obtains-money"], "addressee": PLATFORM},
    **{"reference": "CASE", "deadline": "2h"},
}


class OrderSender(threading.Thread):
    """Sends orders of five locations, and repeats those without a response."""

    def __init__(self, police: Partner) -> None:
        """Send as ``police``."""
        super().__init__(daemon=True)
        self.acknowledged: list[str] = []
        self._police = police

    def run(self) -> None:
        """Send until the partner stops."""
        while not self._police.stop.wait(_PAUSE):
            number = uuid.uuid4().hex
            body = {"order": _ORDER, "locations": [f"https://shop.example.com/{number}/{n}" for n in range(5)]}
            answer = None
            while answer is None:
                answer = self._police.call("POST", "/api/requests/orders", json=body)
                time.sleep(0.05)
            assert answer.status_code == 200, answer.text
            self.acknowledged += [result["request"] for result in answer.json()["results"]]


class OrderReader(threading.Thread):
    """Reads the orders to the platform, the newest first; each clock begins with the first read."""

    def __init__(self, platform: Partner) -> None:
        """Read as ``platform``."""
        super().__init__(daemon=True)
        self._platform = platform

    def run(self) -> None:
        """Read until the partner stops."""
        while not self._platform.stop.wait(_PAUSE / 4):
            answer = self._platform.call("GET", "/api/requests?role=addressee&limit=20")
            assert answer is None or answer.status_code == 200, answer.text


def read_all(partner: Partner, role: str) -> list[dict[str, Any]]:
    """Return all requests of a partner."""
    found: list[dict[str, Any]] = []
    path, place = f"/api/requests?role={role}&limit=1000", ""
    while True:
        answer = partner.call("GET", f"{path}{place}")
        if answer is None:
            time.sleep(0.1)
            continue
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += page["requests"]
        if page["next"] is None:
            return found
        place = f"&next={page['next']}"


def clocks(police: Partner) -> dict[str, tuple[str, str]]:
    """Return ``served_at`` and ``due_at`` of each order that the platform has received."""
    return {one["id"]: (one["served_at"], one["due_at"]) for one in read_all(police, "sender") if one.get("served_at")}
