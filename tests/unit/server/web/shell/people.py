"""Persons with their own browser, without sockets. They log in through the pages."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any

import pyotp
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.store import Store
from server.store.operators import users
from server.store.operators.users import OperatorRole, PartnerRole

PASSWORD = "correct horse battery staple"


@dataclass
class Visitor:
    """A browser for the hub, and the secret of the person's second factor."""

    client: FlaskClient
    name: str = ""
    secret: str = ""
    used: int = 0

    def get(self, path: str) -> TestResponse:
        return self.client.get(path)

    def send(self, path: str, page: str = "", **fields: str) -> TestResponse:
        """Open the page with the form, and send it; return the answer, wherever it is shown."""
        opened = self.get(page or path).text
        return self.post(path, data={"token": token_of(opened), "form-key": key_of(opened), **fields})

    def post(self, path: str, data: Mapping[str, Any], **more: Any) -> TestResponse:
        """Send a form, and return the answer, wherever it is shown."""
        sent = self.client.post(path, data=data, **more)
        place = sent.headers.get("Location", "")
        return self.get(place) if place.startswith("/me/sent/") else sent

    def code(self) -> str:
        """Return an unused code that stays valid for ten seconds at least. Three are valid at any time."""
        now = time.time()
        step = int(now) // 30
        self.used = max(self.used + 1, step if now % 30 > 20 else step - 1)
        wait = (self.used - 1) * 30 - now
        assert wait < 10, "too many codes within half a minute"
        time.sleep(max(0.0, wait))
        return pyotp.TOTP(self.secret).at(self.used * 30)

    def log_in(self, password: str = PASSWORD) -> TestResponse:
        assert self.send("/login", name=self.name, password=password).headers["Location"] == "/login/code"
        return self.send("/login/code", code=self.code())


def token_of(page: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', page)
    return unescape(found[1]) if found else ""


def key_of(page: str) -> str:
    found = re.search(r'name="form-key" value="([^"]+)"', page)
    return found[1] if found else ""


def visitor_of(
    app: Flask, role: OperatorRole | PartnerRole | None, partner: str | None = None, name: str = ""
) -> Visitor:
    """Let a person of a role set a password and a second factor, and log in. None stays logged out."""
    visitor = Visitor(app.test_client())
    if role is None:
        return visitor
    store: Store = app.extensions["scamfeed-store"]
    visitor.name = name or f"Somebody {partner or ''} {role}"
    with store.begin() as tx:
        secret = users.add(tx, visitor.name, role, "test", partner)
    answer = visitor.send(f"/welcome/{secret}", password=PASSWORD, again=PASSWORD)
    assert answer.headers["Location"] == "/login/second-factor", answer.text
    page = visitor.get("/login/second-factor").text
    visitor.secret = "".join(re.findall(r"<span>([A-Z2-7]{4})</span>", page))
    answer = visitor.client.post("/login/second-factor", data={"token": token_of(page), "code": visitor.code()})
    assert answer.status_code == 303, answer.text
    return visitor
