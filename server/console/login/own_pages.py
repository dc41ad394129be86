"""The pages of a person's own logins and passkeys."""

import binascii

from flask import Response

from server.console.login import passkeys
from server.console.login.factors import party_of
from server.console.login.passkeys import LONGEST_ANSWER, PasskeyFailed
from server.console.operator.trail import note
from server.console.visit import PageRefused, Visit
from server.console.words import mark
from server.store.operators import passkeys as kept, sessions
from server.store.operators.passkeys import PasskeyRefused

_NO_NAME = mark("Give the passkey a name of at most 60 characters, by which you know it again.")
_NOT_MADE = mark("The passkey was not made. Please try again.")
_KNOWN = mark("This passkey is known already, or there are ten already. Remove one first.")
_NO_PASSKEYS = mark("There are no passkeys here: this hub has no name of its own, or your organisation logs you in.")
_LONGEST_NAME = 60


def show_me(visit: Visit) -> Response:
    """Show the person's own logins, and end one or all others."""
    user, login = visit.known_user, visit.login
    assert login is not None  # noqa: S101 - a known user has a session
    if visit.request.method == "POST":
        one = _hash_of(visit.field("login", 100))
        with visit.site.hub.store.begin() as tx:
            ended = sessions.end_of_user(tx, user.id, one) if one else sessions.end_others(tx, user.id, login.hash)
            note(tx, "END", "session", user, user.id, objects=ended)
        return visit.go("/me")
    with visit.site.hub.store.read() as tx:
        found = sessions.of_user(tx, user.id)
        keys = kept.of_user(tx, user.id)
    has_passkeys = user.subject is None and party_of(visit) is not None
    return visit.page("login/me.html", sessions=found, own=login.hash, passkeys=keys, has_passkeys=has_passkeys)


def add_passkey(visit: Visit) -> Response:
    """Show the form for a new passkey, and keep what the browser made. Raises ``PageRefused``."""
    user, login, party = visit.known_user, visit.login, party_of(visit)
    if party is None or login is None or user.subject is not None:
        raise PageRefused(404, _NO_PASSKEYS)
    problem = ""
    if visit.request.method == "POST":
        name = visit.field("name", _LONGEST_NAME)
        try:
            if not name or not name.isprintable():
                raise PageRefused(422, _NO_NAME)
            with visit.site.hub.store.begin() as tx:
                challenge = sessions.take_challenge(tx, login.hash)
                made = passkeys.read_new(party, challenge or b"", visit.field("passkey", LONGEST_ANSWER))
                kept.add(tx, made.id, user.id, name, made.public_key, made.signatures)
                note(tx, "SET", "passkey", user, user.id)
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
    with visit.site.hub.store.begin() as tx:
        sessions.keep_challenge(tx, login.hash, asked.challenge)
    return visit.page("login/passkey.html", 422 if problem else 200, asked=asked.options, problem=problem)


def remove_passkey(visit: Visit) -> Response:
    """Remove a passkey of the person's own."""
    user = visit.known_user
    with visit.site.hub.store.begin() as tx:
        if kept.remove(tx, user.id, _hash_of(visit.field("passkey", 3_000))):
            note(tx, "REMOVE", "passkey", user, user.id)
    return visit.go("/me")


def _hash_of(given: str) -> bytes:
    """Read hexadecimal digits; nothing for what is none."""
    try:
        return binascii.unhexlify(given)
    except ValueError:
        return b""
