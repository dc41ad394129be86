"""The proof of the second factor on a page: a code, or a passkey's signature of the page's challenge."""

from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.operators import logins, passkeys as kept, sessions, users
from server.store.operators.users import User
from server.web.login import passkeys, second_factor
from server.web.login.passkeys import LONGEST_ANSWER, PasskeyFailed, RelyingParty
from server.web.shell.visit import PageRefused, Visit
from server.web.shell.words import mark

WAIT = mark("Too many wrong attempts came from here. Please wait, and try again.")
WRONG_CODE = mark("The code is wrong, or was used already. Wait for the next one, and check the clock of your phone.")
WRONG_PASSKEY = mark("The passkey did not prove who you are. Try it again, or use a code.")
_OTHER_KEY = mark("Your second factor cannot be read any more. Ask the hub’s operator for a new link.")


def party_of(visit: Visit) -> RelyingParty | None:
    """Return the name that passkeys are bound to here, or None if this hub has no name."""
    return passkeys.relying_party(visit.site.settings.public_url, visit.request, is_local=visit.is_loopback)


def asked_of(visit: Visit, user: User) -> str:
    """Ask for a passkey in this session; return the options for the browser, or "" if the user has no passkey."""
    party, login = party_of(visit), visit.login
    if party is None or login is None:
        return ""
    with visit.site.hub.store.read() as tx:
        known = kept.of_user(tx, user.id)
    if not known:
        return ""
    asked = passkeys.ask_for_signature(party, known)
    logins.keep_challenge(visit.site.hub.store, login, asked.challenge)
    return asked.options


def problem_of_factor(visit: Visit, user: User) -> str:
    """Use up the code or the signature of the form; return what is wrong with it, or "".

    Raises ``PageRefused`` after too many wrong attempts.
    """
    answer = visit.field("passkey", LONGEST_ANSWER)

    def prove(tx: Tx, user: User) -> bool:
        return _has_signed(visit, tx, user, answer) if answer else _is_right_code(visit, tx, user)

    factor = "passkey" if answer else "second-factor"
    tried = logins.try_factor(
        visit.site.hub.store, user.id, factor, lambda user: second_factor.wait_of(user, now()), prove
    )
    if tried.wait:
        raise PageRefused(429, WAIT, (("Retry-After", str(tried.wait)),))
    if tried.is_right:
        return ""
    return WRONG_PASSKEY if answer else WRONG_CODE


def _is_right_code(visit: Visit, tx: Tx, user: User) -> bool:
    plain = second_factor.decrypt(tx, visit.site.settings, user.totp or b"")
    if plain is None:
        raise PageRefused(403, _OTHER_KEY)
    step = second_factor.step_of(plain, visit.field("code", 20))
    return step is not None and users.use_code(tx, user.id, step)


def _has_signed(visit: Visit, tx: Tx, user: User, answer: str) -> bool:
    party, login = party_of(visit), visit.login
    if party is None or login is None:
        return False
    challenge = sessions.take_challenge(tx, login.hash)
    if challenge is None:
        return False
    try:
        key, signatures = passkeys.read_signature(party, challenge, answer, kept.of_user(tx, user.id))
    except PasskeyFailed:
        return False
    kept.use(tx, key.id, signatures)
    users.forgive_codes(tx, user.id)
    return True
