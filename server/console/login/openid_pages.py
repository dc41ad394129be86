"""The pages of logging in by OpenID Connect: to the provider, and back."""

import logging

from flask import Response

from server.console.login.login_pages import home_of
from server.console.login.openid import LoginFlow, NotLoggedIn
from server.console.operator.trail import note
from server.console.visit import PageRefused, Visit
from server.console.words import mark
from server.store.operators import users
from server.store.operators.users import NameInUse

log = logging.getLogger(__name__)

_COOKIE = "openid"
_REFUSED = mark("Your organisation did not let you in here, or gave you no role. Ask the hub’s operator.")
_NAME = mark("There is another user of your name here. Ask the hub’s operator.")
_NONE = mark("This hub has no login by another organisation.")


def go_there(visit: Visit) -> Response:
    """Send the person to the provider. Raises ``PageRefused``."""
    visit.refuse_plain_http()
    provider = visit.site.provider
    if not provider.is_set:
        raise PageRefused(404, _NONE)
    try:
        address, flow = provider.begin(_back(visit), visit.next_path(), is_again="again" in visit.request.args)
    except NotLoggedIn as refused:
        raise _refusal(refused) from None
    visit.keep_cookie(_COOKIE, flow.cookie())
    return visit.go_elsewhere(address)


def come_back(visit: Visit) -> Response:
    """Let in whom the provider sends back. Raises ``PageRefused``."""
    visit.refuse_plain_http()
    if not visit.site.provider.is_set:
        raise PageRefused(404, _NONE)
    flow = LoginFlow.read(visit.cookie(_COOKIE))
    try:
        person = visit.site.provider.finish(_back(visit), flow, visit.request.args)
        with visit.site.hub.store.begin() as tx:
            user = users.add_by_subject(tx, person.subject, person.name, person.role, person.email)
            visit.begin_session(tx, user, "full")
            note(tx, "LOGIN", "openid", user, user.id)
            home = home_of(tx, user)
    except NotLoggedIn as refused:
        raise _refusal(refused) from None
    except NameInUse:
        raise PageRefused(403, _NAME) from None
    visit.keep_cookie(_COOKIE, "")
    return visit.go((flow.following if flow is not None else "") or home)


def _back(visit: Visit) -> str:
    """Return where the provider sends the person back to: as the settings say, else as this browser came."""
    return (visit.site.settings.public_url.rstrip("/") or visit.request.host_url.rstrip("/")) + "/login/oidc/back"


def _refusal(refused: NotLoggedIn) -> PageRefused:
    log.warning("openid-refused reason=%s", refused)
    return PageRefused(403, _REFUSED)
