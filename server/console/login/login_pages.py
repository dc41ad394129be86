"""The pages of logging in: name and password, the second factor, the one-time link, and log-out."""

from flask import Response

from schemas.text import plain_name
from server.console.login import second_factor
from server.console.login.factors import WAIT, WRONG_CODE, asked_of, problem_of_factor
from server.console.operator.trail import note, note_of_nobody
from server.console.visit import PageRefused, Visit
from server.console.words import mark
from server.store.database.engine import Tx
from server.store.keepers import kept_accounts
from server.store.operators import attempts, sessions, users
from server.store.operators.users import LinkOver, User

_WRONG = mark("The name or the password is wrong.")
_BUSY = mark("Too many people log in just now. Please try again in a moment.")
_LINK_OVER = mark("This link was used already, or is too old. Ask the hub’s operator for a new one.")
_SHORT = mark("A password has at least 12 characters. Several words make a good one.")
_LIKE_NAME = mark("The password may not be like your name.")
_NOT_EQUAL = mark("The two passwords are not the same.")
_LONGEST_NAME, _LONGEST_PASSWORD, _SHORTEST_PASSWORD = 100, 500, 12
# A shorter one is in too many words.
_SHORTEST_NAME = 4
_SECOND = 1_000_000


def show_login(visit: Visit) -> Response:
    """Show the form for name and password, and take them. Raises ``PageRefused``."""
    visit.refuse_plain_http()
    if visit.user is not None:
        with visit.site.hub.store.read() as tx:
            return visit.go(visit.next_path() or home_of(tx, visit.user))
    if visit.request.method != "POST":
        return visit.page("login/login.html", next=visit.next_path(), problem="")
    user = _of_password(visit, visit.field("name", _LONGEST_NAME))
    if user is None:
        return visit.page("login/login.html", 401, next=visit.next_path(), problem=_WRONG)
    with visit.site.hub.store.begin() as tx:
        visit.begin_session(tx, user, "password")
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
    """Show a new second factor, and keep it once a code proves it; one that there is stays."""
    user, login = _half_way(visit), visit.login
    if user is None or login is None or user.totp is not None:
        return visit.go("/login")
    settings, problem, status = visit.site.settings, "", 200
    with visit.site.hub.store.begin() as tx:
        plain = second_factor.decrypt(tx, settings, login.new_totp) if login.new_totp else None
        if plain is None:
            plain = second_factor.new_secret()
            sessions.keep_new_totp(tx, login.hash, second_factor.encrypt(tx, settings, plain))
        elif visit.request.method == "POST":
            step = second_factor.step_of(plain, visit.field("code", 20))
            if step is not None:
                users.set_totp(tx, user.id, second_factor.encrypt(tx, settings, plain), step)
                note(tx, "SET", "second-factor", user, user.id)
                _begin_full(visit, tx, user)
                return visit.go(visit.next_path() or home_of(tx, user))
            problem, status = WRONG_CODE, 401
    shown = second_factor.picture(plain, user.name, settings.title)
    return visit.page(
        "login/second_factor.html", status, next=visit.next_path(), problem=problem, picture=shown, secret=plain
    )


def welcome(visit: Visit, secret: str) -> Response:
    """Let somebody with a one-time link choose a password. Raises ``PageRefused``."""
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
        with store.begin() as tx:
            users.set_password(tx, secret, visit.request.form["password"])
            note(tx, "SET", "password", user, user.id)
            visit.begin_session(tx, user, "password")
    except LinkOver:
        with store.begin(in_passing=True) as tx:
            attempts.take(tx, visit.remote, "")
        raise PageRefused(404, _LINK_OVER) from None
    return visit.go("/login/second-factor" if user.totp is None else "/login/code")


def prove_again(visit: Visit) -> Response:
    """Ask for the password and a code or a passkey once more, before what reaches far."""
    user, problem = visit.known_user, ""
    if visit.request.method == "POST":
        problem = _WRONG if _of_password(visit, user.name) is None else problem_of_factor(visit, user)
        if not problem:
            return _let_in(visit, user)
    status = 401 if problem else 200
    return visit.page("login/again.html", status, next=visit.next_path(), problem=problem, asked=asked_of(visit, user))


def log_out(visit: Visit) -> Response:
    """End the session."""
    with visit.site.hub.store.begin() as tx:
        note(tx, "LOGOUT", "session", visit.known_user, visit.known_user.id)
        visit.end_session(tx)
    return visit.go("/")


def home_of(tx: Tx, user: User) -> str:
    """Return the first page of a user: of who keeps accounts that wait for an answer, the page of these."""
    if user.partner is None:
        return "/console/"
    waiting, _ = kept_accounts.count_waiting(tx, user.partner, 0)
    return "/partner/accounts" if waiting else "/partner/"


def _half_way(visit: Visit) -> User | None:
    """Return who has proven a password and no second factor yet."""
    return visit.login.user if visit.login is not None and visit.login.stage == "password" else None


def _of_password(visit: Visit, name: str) -> User | None:
    """Return the user of that name whose password the form has. Raises ``PageRefused`` for who guesses.

    It is counted before it is looked at, over all nodes: many at once get no further than one after another.
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
        with store.begin() as tx:
            wait = attempts.take(tx, remote, plain)
        _refuse_to_wait(wait)
        # As many hashes for an unknown name as for a known one.
        found = None
        if len(password) <= _LONGEST_PASSWORD:
            found = visit.site.passwords.matches(password, known, lambda is_known: 1)
    if found is not None:
        with store.begin(in_passing=True) as tx:
            attempts.give_back(tx, remote, plain)
        return user
    # Of a name that nobody has, too, so that it takes as long; the name itself may be a password.
    with store.begin(in_passing=True) as tx:
        if user is not None:
            note(tx, "LOGIN", "session", user, user.id, status=401)
        else:
            note_of_nobody(tx, "LOGIN", "session", status=401)
    return None


def _refuse_to_wait(microseconds: int) -> None:
    """Raise ``PageRefused`` for who has to wait."""
    if microseconds:
        raise PageRefused(429, WAIT, (("Retry-After", str(microseconds // _SECOND + 1)),))


def _let_in(visit: Visit, user: User) -> Response:
    with visit.site.hub.store.begin() as tx:
        _begin_full(visit, tx, user)
        home = visit.next_path() or home_of(tx, user)
    return visit.go(home)


def _begin_full(visit: Visit, tx: Tx, user: User) -> None:
    visit.begin_session(tx, user, "full")
    note(tx, "LOGIN", "session", user, user.id)


def _problem_of(visit: Visit, user: User) -> str:
    """Return what is wrong with a new password, "" where nothing is."""
    password, again = visit.request.form.get("password", ""), visit.request.form.get("again", "")
    if not _SHORTEST_PASSWORD <= len(password) <= _LONGEST_PASSWORD:
        return _SHORT
    if len(user.plain_name) >= _SHORTEST_NAME and user.plain_name in plain_name(password):
        return _LIKE_NAME
    return "" if password == again else _NOT_EQUAL
