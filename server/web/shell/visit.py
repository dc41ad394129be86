"""One request for a page: the user, the language and the response."""

import base64
import contextlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from flask import Request, Response, current_app
from werkzeug.exceptions import HTTPException

from schemas.reference.bank_text import shown_banks
from server.operations.operation import Actor
from server.operations.rights import FRESH_MICROSECONDS, VIEWERS, right_of
from server.store import StoreUnavailable, partners
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.operators import logins, sessions
from server.store.operators.sessions import LoginSession
from server.store.operators.users import User
from server.store.partners import UnknownPartner
from server.web.shell.contact_links import link_of
from server.web.shell.headers import page_headers
from server.web.shell.languages import Language, choose_language
from server.web.shell.routes import Route, navigation
from server.web.shell.site import PageSite
from server.web.shell.static_files import OWNER_MARK
from server.web.shell.tables import hidden_columns
from server.web.shell.words import mark
from server.web.taxii.proxies import is_local

_LANGUAGE_COOKIE = "lang"
# The cookie with the columns that the reader hides.
COLUMNS = "columns"
_YEAR = 365 * 86_400
_MINUTE = 60 * 1_000_000
_HOUR = 60 * _MINUTE
# In the address of a page: its form was not processed, because the person had to log in first.
_UNSENT = "unsent"
# The endpoints of addresses without a page begin with this; those of pages are their addresses.
NOWHERE = "nowhere"
_LONGEST_KEY = 100
_LONGEST_BOX, _MOST_BOXES = 200, 500

NOT_SECURE = mark(
    "You cannot log in over plain HTTP. Open the page by HTTPS. If that does not work, tell the operator of the hub."
)


class PageRefused(Exception):
    """A request that gets a page with the reason instead: the status, and the advice as an English text."""

    def __init__(self, status: int, text: str, headers: Sequence[tuple[str, str]] = ()) -> None:
        """Refuse with ``status`` and a text that the catalogues have."""
        self.status = status
        self.text = text
        self.headers = headers
        super().__init__(text)


class NoPage(PageRefused):
    """A client that takes no HTML: for a TAXII client there is nothing at ``/``."""


class Visit:
    """A request for a page."""

    def __init__(self, site: PageSite, request: Request, route: Route | None = None) -> None:
        """Answer ``request`` for the page at ``route``, None for an address without a page."""
        self.site = site
        self.request = request
        self._path = route.path if route is not None else ""
        self._is_public = route is not None and route.is_public
        self._new_cookies: dict[str, str] = {}
        self._kept_for_long: set[str] = set()
        # Whether the answer has a secret that is shown once.
        self.is_shown_once = False

    @cached_property
    def language(self) -> Language:
        """The language of the page: by the link, else by the cookie, else by the browser."""
        asked, kept = self.request.args.get("lang"), self.request.cookies.get(_LANGUAGE_COOKIE)
        return choose_language(self.site.languages, asked, kept, self.request.headers.get("Accept-Language"))

    @property
    def remote(self) -> str:
        """The address that the request comes from."""
        return self.site.proxies.remote(self.request.environ)

    @property
    def is_loopback(self) -> bool:
        """Return whether browser and server are the same machine, where HTTP without TLS is sufficient."""
        return not self.site.settings.public_url and is_local(self.request.environ)

    @property
    def is_secure(self) -> bool:
        """Return whether the browser speaks HTTPS: to this server, or to the proxy at the address in the settings."""
        return self.request.scheme == "https" or self.site.settings.public_url.startswith("https:")

    @property
    def is_partial(self) -> bool:
        """Return whether only the part of the page that changes is asked for."""
        return "HX-Request" in self.request.headers

    # The user

    @cached_property
    def login(self) -> LoginSession | None:
        """The session of the cookie, or None without a valid session."""
        secret = self.request.cookies.get(self._cookie("session"), "")
        if not 20 <= len(secret) <= 100:
            return None
        settings = self.site.settings
        try:
            with self.site.hub.store.read() as tx:
                found = sessions.find(tx, secret, idle=settings.console_idle_minutes * _MINUTE)
                if found is not None and not _takes_part(tx, found.user):
                    return None
        except StoreUnavailable:
            if self._is_public:
                return None
            raise
        if found is not None:
            logins.touch(self.site.hub.store, found)
        return found

    @property
    def user(self) -> User | None:
        """The person, once all factors are proven."""
        return self.login.user if self.login is not None and self.login.stage == "full" else None

    @property
    def known_user(self) -> User:
        """The person on a page that only users have."""
        assert self.user is not None  # noqa: S101 - the table of routes lets nobody else in
        return self.user

    @property
    def actor(self) -> Actor:
        """The person on a page that only users have, as an actor of operations."""
        return Actor.person(self.known_user)

    @property
    def right(self) -> str:
        """The right of the person: a role, or "anybody"."""
        return right_of(self.user) if self.user is not None else "anybody"

    @property
    def is_fresh(self) -> bool:
        """Return whether the person proved all factors within the last ten minutes."""
        return self.login is not None and now() - self.login.proven < FRESH_MICROSECONDS

    def begin_session(self, user: User, stage: sessions.Stage) -> None:
        """Begin a session under a new secret, in place of the present one."""
        lasts = self.full_session_lasts if stage == "full" else FRESH_MICROSECONDS
        secret = logins.begin_session(self.site.hub.store, user, stage, lasts=lasts, instead=self.login)
        self.keep_session(secret)

    @property
    def full_session_lasts(self) -> int:
        """The microseconds after which a session with all factors ends at the latest."""
        return self.site.settings.console_hours * _HOUR

    def keep_session(self, secret: str) -> None:
        """Let the browser keep the secret of its session; "" removes the cookie."""
        self._new_cookies["session"] = secret

    def refuse_plain_http(self) -> None:
        """Let nobody send a password in the open. Raises ``PageRefused``."""
        if not self.is_secure and not self.is_loopback:
            raise PageRefused(403, NOT_SECURE)

    # The form

    def field(self, name: str, most: int = 4_096) -> str:
        """Return a field of the form, without surrounding space; "" if it is missing or too long."""
        given = self.request.form.get(name, "")
        return given.strip() if len(given) <= most and "\x00" not in given else ""

    def fields(self, name: str) -> list[str]:
        """Return the values of the boxes of that name that were ticked, each once, some hundred at most."""
        given = (text for text in self.request.form.getlist(name) if len(text) <= _LONGEST_BOX and "\x00" not in text)
        return list(dict.fromkeys(given))[:_MOST_BOXES]

    def next_path(self) -> str:
        """Return the page of this hub that follows a login, or ""."""
        return local_path(self.request.values.get("next", ""))

    def is_own_origin(self) -> bool:
        """Return whether a form was sent from a page of this hub, as far as the browser names the origin."""
        origin = self.request.headers.get("Origin")
        if origin is None:
            return self.request.headers.get("Sec-Fetch-Site", "same-origin") in ("same-origin", "none")
        given = urlsplit(origin)
        own = [urlsplit(f"{self.request.scheme}://{self.request.host}"), urlsplit(self.site.settings.public_url)]
        return bool(given.netloc) and any((given.scheme, given.netloc) == (ours.scheme, ours.netloc) for ours in own)

    def has_form_token(self) -> bool:
        """Return whether a form has the token that a page of this session gave it."""
        secret = self._form_secret()
        given = self.request.form.get("token", "")
        return bool(secret) and hmac.compare_digest(_token(secret).encode(), given.encode("utf-8", "replace"))

    def form_token(self) -> str:
        """Return the token of the forms of this session, or of this browser before it has one."""
        secret = self._form_secret()
        if not secret:
            secret = self._new_cookies["form"] = secrets.token_urlsafe(32)
        return _token(secret)

    @property
    def form_key(self) -> str:
        """The key of the sent form, "" for one without."""
        return self.field("form-key", _LONGEST_KEY)

    @property
    def session_secret(self) -> str:
        """The secret of the cookie of the session, "" without one."""
        return self.request.cookies.get(self._cookie("session"), "") if self.login is not None else ""

    @property
    def has_new_session(self) -> bool:
        """Return whether this answer begins or ends the session of the browser."""
        return "session" in self._new_cookies

    def _form_secret(self) -> str:
        for name in ("session", "form"):
            if name in self._new_cookies:
                return self._new_cookies[name]
        if self.login is not None:
            return self.session_secret
        kept = self.request.cookies.get(self._cookie("form"), "")
        return kept if 20 <= len(kept) <= 100 else ""

    # The answer

    def text(self, english: str) -> str:
        """Return a text in the language of the page."""
        return self.language.text(english)

    @property
    def root(self) -> str:
        """The URL of this hub, without a slash at the end: by the settings, else by this request."""
        return self.site.settings.public_url.rstrip("/") or self.request.host_url.rstrip("/")

    def address(self, path: str) -> str:
        """Return the address of a path of this hub."""
        return self.site.base + path

    def page(
        self, template: str, status: int = 200, headers: Sequence[tuple[str, str]] = (), **values: Any
    ) -> Response:
        """Return a page; for a partial request only the block ``answer`` of its template."""
        found = self.site.environments[self.language.code].get_template(template)
        values = self._common_values() | values
        if status >= 400 and self.request.method == "POST":
            # A refused form had no effect: it keeps its key.
            values["form_key"] = lambda: self.form_key
        if self.is_partial and "answer" in found.blocks:
            body = "".join(found.blocks["answer"](found.new_context(values)))
        else:
            body = found.render(values)
        return self.rendered(body, status, headers)

    def rendered(self, body: str, status: int = 200, headers: Sequence[tuple[str, str]] = ()) -> Response:
        """Return a page that was rendered already."""
        return self._finished(Response(body, status, content_type="text/html; charset=utf-8"), headers)

    def _show_once(self) -> str:
        """Mark the page that calls this as one with a secret: a reload does not show it again."""
        self.is_shown_once = True
        return ""

    def file(self, body: bytes | Iterable[bytes], name: str, content_type: str) -> Response:
        """Return a file that the browser stores under a name.

        An iterable is sent while it is made; after the first bytes, it must not fail.
        """
        response = Response(body, content_type=content_type)
        return self._finished(response, (("Content-Disposition", f'attachment; filename="{name}"'),))

    def go(self, path: str) -> Response:
        """Return the redirect to another page of this hub."""
        response = Response(status=303, content_type="text/plain")
        return self._finished(response, (("Location", self.address(path)),))

    def go_elsewhere(self, address: str) -> Response:
        """Return the redirect to an address of the settings."""
        return self._finished(Response(status=303, content_type="text/plain"), (("Location", address),))

    def keep_cookie(self, name: str, value: str, *, for_long: bool = False) -> None:
        """Let the browser keep a value until it is closed, or ``for_long``, a year; "" removes it."""
        self._new_cookies[name] = value
        if for_long:
            self._kept_for_long.add(name)

    def cookie(self, name: str) -> str:
        """Return a value that the browser kept, or ""."""
        return self.request.cookies.get(self._cookie(name), "")[:4_096]

    def go_to_login(self, path: str = "/login") -> Response:
        """Return the redirect to a login, which then leads back to this page, or to the page of the sent form."""
        asked = self.request.full_path.removesuffix("?")
        if self.request.method != "GET":
            asked = self._page_of_form()
        return self.go(f"{path}?next={quote(asked, safe='/')}" if local_path(asked) else path)

    def _page_of_form(self) -> str:
        """Return the address of the page with the sent form, with the query on which the form depends."""
        origin = urlsplit(self.request.headers.get("Referer", ""))
        is_there = origin.netloc == self.request.host and origin.path == self.address(self.form_path)
        query = origin.query if is_there else self.request.query_string.decode("ascii", "replace")
        kept = [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] not in (_UNSENT, "lang")]
        return f"{self.form_path}?{urlencode([*kept, (_UNSENT, '1')])}"

    @cached_property
    def form_path(self) -> str:
        """The path of the page; for an address that only receives forms, of the nearest page above; or ""."""
        adapter, path = current_app.url_map.bind(""), self.request.path
        if self.request.method == "GET":
            return path
        rule = self.request.url_rule
        if rule is not None and "GET" not in (rule.methods or ()):
            path = path.rpartition("/")[0]
        while path.strip("/"):
            for found in (path, f"{path}/"):
                with contextlib.suppress(HTTPException):
                    if not str(adapter.match(found, method="GET")[0]).startswith(NOWHERE):
                        return found
            path = path.rpartition("/")[0]
        return ""

    @property
    def has_unsent_form(self) -> bool:
        """Return whether the person comes back to a form that was not sent, as a login was asked for first."""
        return self.request.method == "GET" and _UNSENT in self.request.args

    @property
    def _form_state(self) -> str:
        """What the page is to the script that keeps sent forms: "" for one after which they are no longer needed."""
        if self._path.startswith("/login"):
            return "login"
        if self.request.method != "GET":
            return "answer"
        return "unsent" if self.has_unsent_form else ""

    @property
    def comes_from_form(self) -> bool:
        """Return whether the login was asked for as a form was sent, which it leads back to."""
        return (_UNSENT, "1") in parse_qsl(urlsplit(self.next_path()).query)

    def go_on_path(self, path: str) -> str:
        """Return a path of the login, with the page to go on to after it."""
        following = self.next_path()
        return f"{path}?next={quote(following, safe='/')}" if following else path

    def _finished(self, response: Response, headers: Sequence[tuple[str, str]]) -> Response:
        is_public = self._is_public and self.login is None
        for name, value in (*page_headers(is_secure=self.is_secure, is_public=is_public), *headers):
            response.headers[name] = value
        secure = not self.is_loopback
        if self.request.args.get("lang") == self.language.code:
            response.set_cookie(
                _LANGUAGE_COOKIE, self.language.code, _YEAR, secure=secure, httponly=True, samesite="Lax"
            )
        for name, secret in self._new_cookies.items():
            age = (_YEAR if name in self._kept_for_long else None) if secret else 0
            response.set_cookie(self._cookie(name), secret, age, secure=secure, httponly=True, samesite="Lax")
        return response

    def _cookie(self, name: str) -> str:
        """Return the name of a cookie; browsers let no other host and no plain HTTP set one that begins so."""
        return name if self.is_loopback else f"__Host-{name}"

    def _common_values(self) -> dict[str, Any]:
        site = self.site
        return {
            "title": site.settings.title,
            "contact": site.settings.contact,
            "contact_link": link_of(site.settings.contact),
            "has_docs": site.settings.docs_folder is not None,
            "home_zone": site.settings.timezone,
            "home_country": site.settings.country,
            "home_banks": lambda: shown_banks(site.settings.country),
            "owner": site.settings.owner,
            "owner_mark": self.address(f"/static/{site.static.address(OWNER_MARK)}") if site.static.mark else "",
            "language": self.language,
            "languages": site.languages.values(),
            "page_path": self._path,
            # Quoted: browsers read a backslash as a slash, and two of these at the beginning as another host.
            "here": self.address(quote(self.form_path)) if self.form_path else "",
            # The address of this page, to come back to.
            "this_page": local_path(self.request.full_path.removesuffix("?")) if self.request.method == "GET" else "",
            "hidden_columns": lambda name: hidden_columns(self.cookie(COLUMNS)).get(name, frozenset()),
            "has_unsent_form": self.has_unsent_form,
            "form_state": self._form_state,
            "comes_from_form": self.comes_from_form,
            "link": self.address,
            "static": lambda name: self.address(f"/static/{site.static.address(name)}"),
            "query": quote,
            "user": self.user,
            "navigation": navigation(self.right),
            "right": self.right,
            "is_operator": self.right in VIEWERS,
            "form_token": self.form_token,
            "form_key": lambda: secrets.token_urlsafe(12),
            "shown_once": self._show_once,
            "provider": urlsplit(site.settings.oidc_issuer).netloc if site.provider.is_set else "",
        }


def local_path(given: str) -> str:
    """Return a path of this hub's own pages, "" for anything that could lead elsewhere."""
    plain = given.isascii() and given.isprintable() and "\\" not in given
    return given if plain and given.startswith("/") and not given.startswith("//") and len(given) < 1_000 else ""


def _token(secret: str) -> str:
    return base64.urlsafe_b64encode(hmac.digest(secret.encode(), b"form", "sha256")).decode()


def _takes_part(tx: Tx, user: User) -> bool:
    """Return whether a user's partner has not left."""
    if user.partner is None:
        return True
    try:
        partners.get(tx, user.partner)
    except UnknownPartner:
        return False
    return True
