"""The page at ``/``: what this server is, whom to ask, how to connect; no script, nothing from elsewhere."""

import re
from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib.resources import files
from string import Template
from typing import NamedTuple

from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

_HTML = "text/html"
_MAIL = re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", re.ASCII)
_URL = re.compile(r"https?://[!-~]+", re.ASCII)
_NOBODY = "Whoever gave you this address."
_STATES = {
    True: ("well", "In service"),
    False: ("ill", "Out of service just now: the server does not reach its store"),
}


class Shown(NamedTuple):
    """An answer: headers, and a body in UTF-8."""

    headers: tuple[tuple[str, str], ...]
    body: bytes


class Page:
    """The page of one server; it differs only by whether the server is ready."""

    def __init__(self, title: str, contact: str) -> None:
        """Use the server's title, and its contact: a mail address, a URL, or words."""
        folder = files("server.dashboard")
        style = (folder / "page.css").read_text(encoding="utf-8")
        text = Template((folder / "page.html").read_text(encoding="utf-8"))
        headers = (
            ("Content-Type", "text/html; charset=utf-8"),
            # Nothing but this one style, and the icon that is none.
            ("Content-Security-Policy", _policy(style)),
            ("X-Content-Type-Options", "nosniff"),
            ("X-Frame-Options", "DENY"),
            ("Referrer-Policy", "no-referrer"),
            ("Cross-Origin-Opener-Policy", "same-origin"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
            ("Cache-Control", "no-cache"),
            ("Vary", "Accept"),
        )
        words = {"title": escape(title), "contact": _linked(contact) or _NOBODY, "style": style}
        self._shown = {
            ready: Shown(headers, text.substitute(words, state=state, health=health).encode())
            for ready, (state, health) in _STATES.items()
        }

    def show(self, *, ready: bool) -> Shown:
        """Return the page; ``ready`` says whether requests can be answered."""
        return self._shown[ready]


def wanted(accept: str | None) -> bool:
    """Return whether a client with this Accept header takes HTML; without the header it does."""
    asked = parse_accept_header(accept, MIMEAccept)
    return not asked or asked.quality(_HTML) > 0


def _policy(style: str) -> str:
    seal = b64encode(sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{seal}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _linked(contact: str) -> str:
    """Return the contact, as a link if it is one."""
    shown = escape(contact)
    if _MAIL.fullmatch(contact):
        return f'<a href="mailto:{shown}">{shown}</a>'
    if _URL.fullmatch(contact):
        return f'<a href="{shown}" rel="noreferrer">{shown}</a>'
    return shown
