"""The pages of reminders: each person's own, those of the links in mails, and the operators' view of the outbox."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from flask import Response

from schemas.errors import Rejected
from server.features.reminders import choices, hooks, outbox
from server.features.reminders.kinds import for_right
from server.features.reminders.mail_text import default_language
from server.features.reminders.operations import (
    ConfirmReminders,
    SetOwnReminders,
    StopReminders,
    of_confirmation,
    of_stop,
)
from server.operations.operation import Actor
from server.operations.rights import ANYBODY, VIEWERS, right_of
from server.operations.run import run
from server.store.database.times import now
from server.store.operators import users
from server.web.shell.hub_texts import refusal_text
from server.web.shell.routes import BOTH, HUB, Route, Tab, may_run
from server.web.shell.visit import PageRefused, Visit
from server.web.shell.words import Translatable, mark

_LONGEST_ADDRESS = 254
_MOST_ROWS = 100
_NO_LINK = mark("This link is incomplete or no longer valid. Log in and open “Reminders” under “My logins”.")
_OFF = mark("This hub sends no mail, so no address can be confirmed. Ask the hub’s operator.")
_HOOK_OF = mark("Webhook of %(name)s")
_OPERATORS_HOOK = mark("Webhook of the operators")
WHY: Mapping[str, Translatable] = MappingProxyType(
    {
        "no-connection": mark("The mail server could not be reached, or broke the connection."),
        "too-slow": mark("The mail server did not answer in time."),
        "no-starttls": mark("The mail server offers no STARTTLS."),
        "certificate-refused": mark("The certificate of the mail server is not valid."),
        "login-refused": mark("The mail server refused the login."),
        "sender-refused": mark("The mail server refused the sender’s address."),
        "address-put-off": mark("The mail server did not take the address now."),
        "address-refused": mark("There is no such mailbox."),
        "mail-refused": mark("The mail server refused the mail."),
        "no-address": mark("The person has no address for reminders any more."),
        "no-hook": mark("The settings no longer name this webhook."),
        "hook-unreached": mark("The webhook’s address could not be reached, or cannot answer now."),
        "hook-refused": mark("The webhook’s address refused the message."),
        "hook-unusable": mark("The webhook cannot be used. Check its address, its certificate and its secret."),
    }
)


def show_own(visit: Visit) -> Response:
    """Show what the person chose, and store other choices."""
    if visit.request.method != "POST":
        return _own_page(visit)
    settings = visit.site.settings
    address = visit.field("address", _LONGEST_ADDRESS)
    ticked = set(visit.fields("on"))
    optional = [kind.name for kind in for_right(visit.right) if not kind.mandatory]
    with visit.site.hub.store.read() as tx:
        before = choices.find(tx, visit.known_user.id)
    # Those of another role stay as they were chosen.
    off = (before.off - set(optional)) | (set(optional) - ticked)
    if address and address != before.address and not settings.mail_host:
        return _own_page(visit, 409, visit.text(_OFF))
    language = "th" if visit.field("language") == "th" else "en"
    try:
        run(visit.site.hub, SetOwnReminders(language=language, off=frozenset(off), address=address), visit.actor)
    except Rejected as refused:
        return _own_page(visit, 422, refusal_text(visit.language, refused.reason, refused.message))
    return visit.go("/me/reminders?saved=1")


def _own_page(visit: Visit, status: int = 200, problem: str = "") -> Response:
    user, settings = visit.known_user, visit.site.settings
    with visit.site.hub.store.read() as tx:
        chosen = choices.find(tx, user.id)
    kinds = for_right(visit.right)
    on = {kind.name for kind in kinds if kind.name not in chosen.off}
    given: dict[str, Any] = {
        "address": chosen.address or "",
        "language": chosen.language or default_language(settings),
        "on": on,
    }
    if status != 200:
        given = {name: visit.field(name, _LONGEST_ADDRESS) for name in ("address", "language")}
        given["on"] = set(visit.fields("on"))
    return visit.page(
        "login/reminders.html",
        status,
        kinds=kinds,
        chosen=chosen,
        given=given,
        goes_to=choices.address_of(user, chosen),
        registered=user.email,
        is_sending=bool(settings.mail_host),
        is_saved="saved" in visit.request.args,
        problem=problem,
    )


def stop(visit: Visit, token: str) -> Response:
    """Ask whether to stop the optional reminders, and stop them. Mail programs send the form by themselves."""
    try:
        with visit.site.hub.store.read() as tx:
            user = of_stop(tx, token)
        if is_sent := visit.request.method == "POST":
            run(visit.site.hub, StopReminders(token=token), Actor.anybody())
    except LookupError:
        raise PageRefused(404, _NO_LINK) from None
    kinds = for_right(right_of(user))
    return visit.page("public/stop_reminders.html", kinds=kinds, is_stopped=is_sent, token=token)


def confirm(visit: Visit, token: str) -> Response:
    """Ask whether reminders may be sent to the address, and confirm it."""
    try:
        with visit.site.hub.store.read() as tx:
            of_confirmation(tx, token)
        if is_sent := visit.request.method == "POST":
            run(visit.site.hub, ConfirmReminders(token=token), Actor.anybody())
    except LookupError:
        raise PageRefused(404, _NO_LINK) from None
    return visit.page("public/confirm_reminders.html", is_confirmed=is_sent, token=token)


def show_outbox(visit: Visit) -> Response:
    """Show the mails that wait and those that failed; of a person only the name."""
    at = now()
    with visit.site.hub.store.read() as tx:
        totals = outbox.totals(tx, at - 24 * outbox.HOUR)
        waiting, failed = outbox.latest(tx, "waiting", _MOST_ROWS), outbox.latest(tx, "failed", _MOST_ROWS)
        names = {user.id: user.name for user in users.all_users(tx)} | _hook_names(visit)
        refused = sorted(names.get(user, "") for user, mine in choices.all_choices(tx).items() if mine.refused)
    return visit.page(
        "operator/mail.html",
        totals=totals,
        waiting=waiting,
        failed=failed,
        names=names,
        refused=[name for name in refused if name],
        why=WHY,
        host=visit.site.settings.mail_host,
    )


def _hook_names(visit: Visit) -> dict[str, str]:
    return {
        key: visit.text(_HOOK_OF) % {"name": hook.partner} if hook.partner else visit.text(_OPERATORS_HOOK)
        for key, hook in hooks.hooks_of(visit.site.settings).items()
    }


ROUTES = (
    Route("/me/reminders", may_run(SetOwnReminders), show_own, methods=BOTH),
    Route("/mail/stop/<token>", ANYBODY, stop, methods=BOTH, changes=False),
    Route("/mail/confirm/<token>", ANYBODY, confirm, methods=BOTH, changes=False),
    Route("/console/mail", VIEWERS, show_outbox, tab=Tab(HUB, 5, mark("Mail"))),
)
