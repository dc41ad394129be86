"""The audit trail in plain words: the act, its object, and the result."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from server.store.audit import HUB, VISITOR, AuditEvent
from server.web.shell import routes
from server.web.shell.languages import Language
from server.web.shell.words import Translatable, mark

ACTIONS: Mapping[str, Translatable] = MappingProxyType(
    {
        "GET": mark("Read"),
        "HEAD": mark("Read"),
        "OPTIONS": mark("Read"),
        "POST": mark("Sent"),
        "PUT": mark("Sent"),
        "PATCH": mark("Sent"),
        "DELETE": mark("Deleted"),
        "ACKNOWLEDGED": mark("Acknowledged"),
        "ADD": mark("Added"),
        "ADDED": mark("Added"),
        "AGREED": mark("Agreed"),
        "ANNOUNCE": mark("Announced"),
        "ANSWER": mark("Answered"),
        "APPLY": mark("Applied"),
        "APPROVE": mark("Approved"),
        "ASK": mark("Asked a question"),
        "ASSIGN": mark("Assigned"),
        "BACKUP": mark("Backed up"),
        "CERTIFICATE": mark("Registered a certificate"),
        "CHANGE": mark("Changed"),
        "CLEARED": mark("Decided: delisted"),
        "CLOSED": mark("Closed"),
        "COMPARE": mark("Compared"),
        "CONFIRM": mark("Confirmed"),
        "CONFIRM-KEY": mark("Confirmed a key"),
        "CONTRIBUTE": mark("Contributed"),
        "DECIDE": mark("Decided"),
        "DECLINE": mark("Declined"),
        "DISAGREED": mark("Disagreed"),
        "CORRECT": mark("Corrected"),
        "DISCARD": mark("Discarded"),
        "LEAVE-OUT": mark("Left out"),
        "PAUSE": mark("Paused"),
        "RESUME": mark("Resumed"),
        "SELECT": mark("Selected"),
        "SEND": mark("Sent"),
        "DISOWN": mark("Gave up as its own"),
        "DISTRUST": mark("Ended the trust"),
        "DONE": mark("Done"),
        "DROP": mark("Discarded"),
        "END": mark("Ended"),
        "ERASE": mark("Erased"),
        "EXPORT": mark("Exported"),
        "EXPORTED": mark("Exported"),
        "FINISH": mark("Finished"),
        "FOCAL-POINT": mark("Set a focal point"),
        "FORGET": mark("Removed old entries"),
        "GIVEN": mark("Given out"),
        "GRANT": mark("Granted"),
        "HANDED-OVER": mark("Handed over"),
        "HELD": mark("Held"),
        "HOLD": mark("Held"),
        "INIT": mark("Set up"),
        "LIFT": mark("Lifted"),
        "LINK": mark("Issued a link"),
        "LOGIN": mark("Logged in"),
        "LOGOUT": mark("Logged out"),
        "MAKE": mark("Made"),
        "NAME": mark("Named"),
        "OBJECT": mark("Objected"),
        "OPEN": mark("Opened"),
        "ORDER": mark("Ordered"),
        "OWN": mark("Registered as its own"),
        "PROPOSE": mark("Proposed"),
        "PUBLISH": mark("Published"),
        "READ": mark("Read"),
        "RECEIPT": mark("Confirmed a removal"),
        "RECEIVE": mark("Received"),
        "REFER": mark("Referred"),
        "REFUSE": mark("Refused"),
        "REGISTER": mark("Registered"),
        "REJECT": mark("Rejected"),
        "RELEASE": mark("Released"),
        "REMOVE": mark("Removed"),
        "RENAME": mark("Renamed"),
        "RENEW": mark("Renewed"),
        "REOPEN": mark("Reopened"),
        "REPLAY": mark("Processed again"),
        "REQUEST": mark("Sent a request"),
        "RESPOND": mark("Responded"),
        "RESTORE": mark("Restored"),
        "RETRACT": mark("Retracted"),
        "RETRY": mark("Tried again"),
        "REVIEWED": mark("Decided: nothing was listed"),
        "REVOKE": mark("Revoked"),
        "ROTATE": mark("Renewed"),
        "RUN": mark("Ran"),
        "SEAL": mark("Sealed"),
        "SEARCH": mark("Searched"),
        "SET": mark("Set"),
        "SIGN": mark("Signed"),
        "SLOW": mark("Throttled"),
        "START": mark("Started"),
        "STAYS": mark("Decided: stays listed"),
        "STOP": mark("Stopped"),
        "TAKEN-BACK": mark("Ended the access"),
        "TIDY": mark("Tidied up"),
        "TRUST": mark("Trusted"),
        "UNCONFIRMED": mark("Waits for the sender"),
        "UNLINK": mark("Removed the link"),
        "UPDATE": mark("Updated"),
        "VERIFY": mark("Verified"),
        "VOID": mark("Became void"),
        "WITHDRAW": mark("Withdrew"),
    }
)
OBJECTS: Mapping[str, Translatable] = MappingProxyType(
    {
        "account": mark("an account"),
        "allowlist": mark("harmless values"),
        "api-root": mark("the start of the feed"),
        "audit": mark("the audit trail"),
        "cached-page": mark("objects of a collection"),
        "certificate": mark("a certificate"),
        "check": mark("the public check of a value"),
        "clearance": mark("a clearance statement"),
        "collection": mark("a collection"),
        "collections": mark("the list of collections"),
        "connection": mark("an incomplete request"),
        "credentials": mark("credentials"),
        "discovery": mark("the start of the feed"),
        "erasure": mark("an erasure"),
        "evidence": mark("evidence"),
        "explain": mark("an explanation"),
        "export": mark("an export"),
        "feed": mark("a feed"),
        "feed-dry-run": mark("a feed (dry run)"),
        "feed-retry": mark("a feed (failed items)"),
        "feed-run": mark("a feed"),
        "heads": mark("the heads of the ledgers"),
        "hub": mark("the hub"),
        "hub-end": mark("a removal at another hub"),
        "hub-reports": mark("reports of other hubs"),
        "column": mark("a column of a file"),
        "incident": mark("an incident"),
        "reminders": mark("reminders"),
        "upload": mark("an upload"),
        "ledger": mark("the ledger"),
        "ledger-key": mark("the signing key of the ledger"),
        "lookup": mark("a look-up"),
        "manifest": mark("the versions in a collection"),
        "match-evaluate": mark("a private match"),
        "notice": mark("a notice"),
        "object": mark("an object"),
        "objection": mark("an objection"),
        "objection-contact": mark("the contact of an objection"),
        "objections": mark("objections"),
        "objects": mark("objects of a collection"),
        "openid": mark("a login by another organisation"),
        "partner": mark("a partner"),
        "passkey": mark("a passkey"),
        "password": mark("a password"),
        "peer": mark("another hub"),
        "policy": mark("the policy"),
        "proposal": mark("a proposal"),
        "question": mark("a question"),
        "receipts": mark("receipts"),
        "recovery-key": mark("the recovery key"),
        "referral": mark("a referral"),
        "report": mark("a report"),
        "reporters": mark("the reporters"),
        "request": mark("a request"),
        "review": mark("a review"),
        "reviews": mark("reviews"),
        "sandbox": mark("a rehearsal"),
        "second-factor": mark("a second factor"),
        "session": mark("a session"),
        "signing-key": mark("a signing key"),
        "static": mark("files of the pages"),
        "status": mark("the state of a contribution"),
        "throttle": mark("a throttle"),
        "user": mark("a user"),
        "value": mark("a value"),
        "versions": mark("the versions of an object"),
        "witness": mark("a witness"),
    }
)
_PAGE = mark("the page “%(name)s”")
_ACTORS: Mapping[str, Translatable] = MappingProxyType(
    {"": mark("the hub itself"), HUB: mark("the hub itself"), VISITOR: mark("a visitor")}
)
_UNKNOWN = mark("an address that does not exist")
_RESULTS: Mapping[int, Translatable] = MappingProxyType(
    {
        400: mark("refused: not readable"),
        401: mark("refused: not logged in"),
        403: mark("refused: no right"),
        404: mark("not found"),
        405: mark("refused: not possible here"),
        406: mark("refused: format not offered"),
        408: mark("refused: too slow"),
        409: mark("refused: changed in the meantime"),
        413: mark("refused: too large"),
        415: mark("refused: format not accepted"),
        422: mark("refused: not valid"),
        429: mark("refused: too many requests"),
        503: mark("the hub was busy"),
    }
)
_DONE, _REFUSED, _FAILED = mark("done"), mark("refused"), mark("failed here")
# The limits of a search, besides all entries.
ONLY: Mapping[str, Translatable] = MappingProxyType(
    {
        "acts": mark("acts: what changed something"),
        "refused": mark("refused requests"),
        "failed": mark("requests that failed here"),
    }
)


def actor(language: Language, name: str) -> str:
    """Return a person, partner, job or address by its name; entries of earlier versions have none for the hub."""
    return language.text(_ACTORS[name]) if name in _ACTORS else name


def action(language: Language, code: str) -> str:
    """Return what was done; a code of another version in its own words."""
    return language.text(ACTIONS[code]) if code in ACTIONS else code.replace("-", " ").capitalize()


def target(language: Language, code: str) -> str:
    """Return what it was done to: an object of an act, a page by its name, or an endpoint."""
    if code in OBJECTS:
        return language.text(OBJECTS[code])
    if code.startswith("nowhere") or code in ("", "unknown", "none"):
        return language.text(_UNKNOWN)
    if code.startswith("/"):
        return language.text(_PAGE) % {"name": _page_name(language, code)}
    return code.replace("-", " ")


def result(language: Language, event: AuditEvent) -> str:
    """Return how it ended."""
    if event.status < 400:
        return language.text(_DONE)
    return language.text(_RESULTS.get(event.status, _FAILED if event.status >= 500 else _REFUSED))


def _page_name(language: Language, path: str) -> str:
    """Return the name of the page in the navigation, of the nearest one above for a page that is not there."""
    tabs = _tabs()
    while path and path not in tabs and f"{path}/" not in tabs:
        path = path.rpartition("/")[0]
    found = tabs.get(path) or tabs.get(f"{path}/")
    return language.text(found) if found else language.text(_OTHER_PAGE)


_OTHER_PAGE = mark("Log in")


@cache
def _tabs() -> Mapping[str, Translatable]:
    found = {route.path: route.tab.text for route in routes.every() if route.tab is not None}
    return {
        **found,
        "/console/review": mark("Reviews"),
        "/check": mark("Check a value"),
        "/object": mark("Object to an entry"),
        "/me": mark("My logins"),
        "/trends": mark("Figures"),
    }
