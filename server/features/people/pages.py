"""The pages of logging in, by password or by OpenID Connect, and of a person's own logins and passkeys."""

import binascii
import logging

from flask import Response

from schemas.text import plain_name
from server.features.people.account.operations import (
    AddOwnPasskey,
    EndOwnSessions,
    RemoveOwnPasskey,
    SetOwnPassword,
    SetOwnSecondFactor,
)
from server.operations.operation import Actor
from server.operations.rights import ANYBODY, EVERY_USER
from server.operations.run import run
from server.store.database.engine import Tx
from server.store.operators import attempts, logins, passkeys as kept, sessions, users
from server.store.operators.passkeys import PasskeyRefused
from server.store.operators.users import LinkOver, NameInUse, User
from server.store.providers import kept_accounts
from server.web.login import passkeys, second_factor
from server.web.login.factors import WAIT, WRONG_CODE, asked_of, party_of, problem_of_factor
from server.web.login.openid import LoginFlow, NotLoggedIn
from server.web.login.passkeys import LONGEST_ANSWER, PasskeyFailed
from server.web.shell.routes import BOTH, FORM, Route, may_run
from server.web.shell.visit import PageRefused, Visit
from server.web.shell.words import mark

log = logging.getLogger(__name__)

_WRONG = mark("The name or the password is wrong.")
_BUSY = mark("Too many people are logging in. Please try again in a moment.")
_LINK_OVER = mark(
    "This link has been used, or is too old. If you have already chosen a password, log in with it: you continue where "
    "you stopped. Otherwise ask the operator of the hub for a new link."
)
_SHORT = mark("A password has at least 12 characters. Several words make a good one.")
_LIKE_NAME = mark("The password may not be like your name.")
_NOT_EQUAL = mark("The two passwords are not the same.")
_COOKIE = "openid"
_REFUSED = mark("Your organisation did not let you in here, or gave you no role. Ask the hub’s operator.")
_NAME = mark("There is another user of your name here. Ask the hub’s operator.")
_NONE = mark("This hub has no login by another organisation.")
_NO_NAME = mark("Give the passkey a name of at most 60 characters, by which you know it again.")
_NOT_MADE = mark("The passkey was not made. Please try again.")
_KNOWN = mark("This passkey is known already, or there are ten already. Remove one first.")
_NO_PASSKEYS = mark("There are no passkeys here: this hub has no name of its own, or your organisation logs you in.")
_LONGEST_LABEL = 60
_LONGEST_NAME, _LONGEST_PASSWORD, _SHORTEST_PASSWORD = 100, 500, 12
# A shorter one is in too many words.
_SHORTEST_NAME = 4
_SECOND = 1_000_000
# The letters of a key are shown in groups, which people copy more easily.
_GROUP = 4


def show_login(visit: Visit) -> Response:
    """Show the form for name and password, and check them. Raises ``PageRefused``."""
    visit.refuse_plain_http()
    if visit.user is not None:
        with visit.site.hub.store.read() as tx:
            return visit.go(visit.next_path() or home_of(tx, visit.user))
    if visit.request.method != "POST":
        return visit.page("login/login.html", next=visit.next_path(), problem="")
    user = _of_password(visit, visit.field("name", _LONGEST_NAME))
    if user is None:
        return visit.page("login/login.html", 401, next=visit.next_path(), problem=_WRONG)
    visit.begin_session(user, "password")
    return visit.go(visit.go_on_path("/login/code" if user.totp else "/login/second-factor"))


def show_code(visit: Visit) -> Response:
    """Ask for a code of the second factor or for a passkey, after the password."""
    user = _half_way(visit)
    if user is None or user.totp is None:
        return visit.go("/login")
    problem = ""
    if visit.request.method == "POST":
        problem = problem_of_factor(visit, user)
        if not problem:
            return _let_in(visit, user)
    status = 401 if problem else 200
    return visit.page("login/code.html", status, next=visit.next_path(), problem=problem, asked=asked_of(visit, user))


def set_second_factor(visit: Visit) -> Response:
    """Show a new second factor, and store it once a code proves it; an existing one stays."""
    user, login = _half_way(visit), visit.login
    if user is None or login is None or user.totp is not None:
        return visit.go("/login")
    hub, settings, problem, status = visit.site.hub, visit.site.settings, "", 200
    with hub.store.read() as tx:
        plain = second_factor.decrypt(tx, settings, login.new_totp) if login.new_totp else None
        is_new = plain is None
        plain = plain or second_factor.new_secret()
        encrypted = second_factor.encrypt(tx, settings, plain)
    if is_new:
        logins.keep_new_totp(hub.store, login, encrypted)
    elif visit.request.method == "POST":
        step = second_factor.step_of(plain, visit.field("code", 20))
        if step is not None:
            run(hub, SetOwnSecondFactor(encrypted=encrypted, step=step), Actor.person(user))
            return _let_in(visit, user)
        problem, status = WRONG_CODE, 401
    shown = second_factor.picture(plain, user.name, settings.title)
    return visit.page(
        "login/second_factor.html",
        status,
        next=visit.next_path(),
        problem=problem,
        picture=shown,
        groups=[plain[start : start + _GROUP] for start in range(0, len(plain), _GROUP)],
    )


def welcome(visit: Visit, secret: str) -> Response:
    """Let the holder of a one-time link choose a password. Raises ``PageRefused``."""
    visit.refuse_plain_http()
    store = visit.site.hub.store
    try:
        with store.read() as tx:
            _refuse_to_wait(attempts.wait(tx, visit.remote, ""))
            user = users.of_link(tx, secret)
        if visit.request.method != "POST":
            return visit.page("login/welcome.html", name=user.name, problem="")
        problem = _problem_of(visit, user)
        if problem:
            return visit.page("login/welcome.html", 422, name=user.name, problem=problem)
        operation = SetOwnPassword(link=secret, password=visit.request.form["password"])
        run(visit.site.hub, operation, Actor.person(user))
    except LinkOver:
        logins.count_wrong_link(store, visit.remote)
        raise PageRefused(410, _LINK_OVER) from None
    visit.begin_session(user, "password")
    return visit.go("/login/second-factor" if user.totp is None else "/login/code")


def prove_again(visit: Visit) -> Response:
    """Ask for the password and a code or a passkey again, before a far-reaching act."""
    user, problem = visit.known_user, ""
    if visit.request.method == "POST":
        problem = _WRONG if _of_password(visit, user.name) is None else problem_of_factor(visit, user)
        if not problem:
            return _let_in(visit, user)
    status = 401 if problem else 200
    return visit.page("login/again.html", status, next=visit.next_path(), problem=problem, asked=asked_of(visit, user))


def log_out(visit: Visit) -> Response:
    """End the session."""
    if visit.login is not None:
        logins.log_out(visit.site.hub.store, visit.login)
    visit.keep_session("")
    return visit.go("/")


def home_of(tx: Tx, user: User) -> str:
    """Return the first page of a user; for a provider with accounts that wait for a finding, the page of these."""
    if user.partner is None:
        return "/console/"
    waiting, _ = kept_accounts.count_waiting(tx, user.partner, 0)
    return "/partner/accounts" if waiting else "/partner/"


def _half_way(visit: Visit) -> User | None:
    """Return the user that has proven a password, and no second factor yet."""
    return visit.login.user if visit.login is not None and visit.login.stage == "password" else None


def _of_password(visit: Visit, name: str) -> User | None:
    """Return the user of that name if the form has the password. Raises ``PageRefused`` after too many attempts.

    An attempt is counted before it is checked, over all nodes, so that many attempts at once are no faster.
    """
    throttle, remote, store = visit.site.throttle, visit.remote, visit.site.hub.store
    password = visit.request.form.get("password", "")
    plain = plain_name(name)
    with store.read() as tx:
        _refuse_to_wait(attempts.wait(tx, remote, plain))
        user = users.find(tx, plain) if plain else None
    known = [user.password] if user is not None and user.password else []
    with throttle.turn() as is_my_turn:
        if not is_my_turn:
            raise PageRefused(503, _BUSY, (("Retry-After", "2"),))
        _refuse_to_wait(logins.take_attempt(store, remote, plain))
        # As many hashes for an unknown name as for a known one.
        found = None
        if len(password) <= _LONGEST_PASSWORD:
            found = visit.site.passwords.matches(password, known, lambda is_known: 1)
    if found is not None:
        logins.give_attempt_back(store, remote, plain)
        return user
    logins.record_wrong_password(store, user)
    return None


def _refuse_to_wait(microseconds: int) -> None:
    """Raise ``PageRefused`` if the client has to wait."""
    if microseconds:
        raise PageRefused(429, WAIT, (("Retry-After", str(microseconds // _SECOND + 1)),))


def _let_in(visit: Visit, user: User) -> Response:
    visit.begin_session(user, "full")
    with visit.site.hub.store.read() as tx:
        home = visit.next_path() or home_of(tx, user)
    return visit.go(home)


def _problem_of(visit: Visit, user: User) -> str:
    """Return what is wrong with a new password, or ""."""
    password, again = visit.request.form.get("password", ""), visit.request.form.get("again", "")
    if not _SHORTEST_PASSWORD <= len(password) <= _LONGEST_PASSWORD:
        return _SHORT
    if len(user.plain_name) >= _SHORTEST_NAME and user.plain_name in plain_name(password):
        return _LIKE_NAME
    return "" if password == again else _NOT_EQUAL


def go_there(visit: Visit) -> Response:
    """Send the person to the login provider. Raises ``PageRefused``."""
    visit.refuse_plain_http()
    provider = visit.site.provider
    if not provider.is_set:
        raise PageRefused(404, _NONE)
    try:
        address, flow = provider.start(_back(visit), visit.next_path(), is_again="again" in visit.request.args)
    except NotLoggedIn as refused:
        raise _refusal(refused) from None
    visit.keep_cookie(_COOKIE, flow.cookie())
    return visit.go_elsewhere(address)


def come_back(visit: Visit) -> Response:
    """Log in a person who returns from the login provider. Raises ``PageRefused``."""
    visit.refuse_plain_http()
    if not visit.site.provider.is_set:
        raise PageRefused(404, _NONE)
    flow = LoginFlow.read(visit.cookie(_COOKIE))
    try:
        person = visit.site.provider.finish(_back(visit), flow, visit.request.args)
        user, secret = logins.log_in_by_openid(
            visit.site.hub.store, *person, lasts=visit.full_session_lasts, instead=visit.login
        )
    except NotLoggedIn as refused:
        raise _refusal(refused) from None
    except NameInUse:
        raise PageRefused(403, _NAME) from None
    visit.keep_session(secret)
    visit.keep_cookie(_COOKIE, "")
    with visit.site.hub.store.read() as tx:
        home = home_of(tx, user)
    return visit.go((flow.following if flow is not None else "") or home)


def _back(visit: Visit) -> str:
    """Return the address to which the provider returns the person."""
    return f"{visit.root}/login/oidc/back"


def _refusal(refused: NotLoggedIn) -> PageRefused:
    log.warning("openid-refused reason=%s", refused)
    return PageRefused(403, _REFUSED)


def show_me(visit: Visit) -> Response:
    """Show the person's own logins, and end one or all others."""
    user, login = visit.known_user, visit.login
    assert login is not None  # noqa: S101 - a known user has a session
    if visit.request.method == "POST":
        operation = EndOwnSessions(present=login.hash, ended=_hash_of(visit.field("login", 100)))
        run(visit.site.hub, operation, visit.actor)
        return visit.go("/me")
    with visit.site.hub.store.read() as tx:
        found = sessions.of_user(tx, user.id)
        keys = kept.of_user(tx, user.id)
    has_passkeys = user.subject is None and party_of(visit) is not None
    return visit.page("login/me.html", sessions=found, own=login.hash, passkeys=keys, has_passkeys=has_passkeys)


def add_passkey(visit: Visit) -> Response:
    """Show the form for a new passkey, and store the passkey that the browser made. Raises ``PageRefused``."""
    user, login, party = visit.known_user, visit.login, party_of(visit)
    if party is None or login is None or user.subject is not None:
        raise PageRefused(404, _NO_PASSKEYS)
    problem = ""
    if visit.request.method == "POST":
        name = visit.field("name", _LONGEST_LABEL)
        try:
            if not name or not name.isprintable():
                raise PageRefused(422, _NO_NAME)
            challenge = logins.take_challenge(visit.site.hub.store, login)
            made = passkeys.read_new(party, challenge, visit.field("passkey", LONGEST_ANSWER))
            run(visit.site.hub, AddOwnPasskey(label=name, **made._asdict()), visit.actor)
            return visit.go("/me")
        except PageRefused as refused:
            problem = refused.text
        except PasskeyFailed:
            problem = _NOT_MADE
        except PasskeyRefused:
            problem = _KNOWN
    with visit.site.hub.store.read() as tx:
        known = kept.of_user(tx, user.id)
    asked = passkeys.ask_for_new(party, visit.site.settings.title, user, known)
    logins.keep_challenge(visit.site.hub.store, login, asked.challenge)
    return visit.page("login/passkey.html", 422 if problem else 200, asked=asked.options, problem=problem)


def remove_passkey(visit: Visit) -> Response:
    """Remove a passkey of the person's own."""
    run(visit.site.hub, RemoveOwnPasskey(id=_hash_of(visit.field("passkey", 3_000))), visit.actor)
    return visit.go("/me")


def _hash_of(given: str) -> bytes:
    """Read hexadecimal digits; empty for any other text."""
    try:
        return binascii.unhexlify(given)
    except ValueError:
        return b""


ROUTES = (
    Route("/login", ANYBODY, show_login, methods=BOTH),
    Route("/login/code", ANYBODY, show_code, methods=BOTH),
    Route("/login/second-factor", ANYBODY, set_second_factor, methods=BOTH),
    Route("/welcome/<secret>", ANYBODY, welcome, methods=BOTH),
    Route("/login/again", EVERY_USER, prove_again, methods=BOTH),
    Route("/logout", EVERY_USER, log_out, methods=FORM),
    Route("/login/oidc", ANYBODY, go_there),
    Route("/login/oidc/back", ANYBODY, come_back),
    Route("/me", may_run(EndOwnSessions), show_me, methods=BOTH),
    Route("/me/passkeys/new", may_run(AddOwnPasskey), add_passkey, methods=BOTH, is_fresh=True),
    Route("/me/passkeys/remove", may_run(RemoveOwnPasskey), remove_passkey, methods=FORM, is_fresh=True),
)
