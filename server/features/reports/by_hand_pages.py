"""The page on which a person reports one value: checked while it is written, previewed, and sent."""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from flask import Response

from mappers import wording
from schemas import kinds
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.reference.aliases import SYSTEMS
from schemas.reference.sites import PLATFORMS
from schemas.vocabulary import Channel, Tlp
from server.features.lookups.asked_value import lacks_bank
from server.features.reports import by_hand
from server.features.reports.by_hand import FIELDS, HOLD_DAYS, PreviewedReport, SeveralKinds
from server.features.reports.operations import Contribute
from server.features.reports.sending import Sending
from server.operations.run import Check
from server.web.shell.banks import BANK_FIELDS, bank_in_form
from server.web.shell.forms import own_partner, quotas_of, refusal_of
from server.web.shell.hub_texts import text_of
from server.web.shell.routes import FORM, OWN, Route, Tab, may_run
from server.web.shell.visit import Visit
from server.web.shell.words import Translatable, mark
from server.web.taxii.auth import inbox_check
from server.web.taxii.errors import TaxiiError

_PATH = "/partner/report"
_LONGEST = 4_096
_TOO_MANY = mark("You checked many values within a minute. Wait a minute, or send the report as it is.")
_CHANNELS: Mapping[Channel, Translatable] = MappingProxyType(
    {
        Channel.SOCIAL_MEDIA: mark("Social media"),
        Channel.MESSAGING: mark("Messenger or chat"),
        Channel.PHONE: mark("Telephone call"),
        Channel.SMS: mark("Text message"),
        Channel.EMAIL: mark("E-mail"),
        Channel.WEBSITE: mark("Website"),
        Channel.AD: mark("Advertisement"),
        Channel.APP: mark("App"),
        Channel.MARKETPLACE: mark("Online marketplace"),
        Channel.IN_PERSON: mark("In person"),
        Channel.OTHER: mark("Another way"),
    }
)
_READERS: Mapping[Tlp, Translatable] = MappingProxyType(
    {
        Tlp.AMBER: mark("Partners and their customers (TLP:AMBER)"),
        Tlp.AMBER_STRICT: mark("Partners only (TLP:AMBER+STRICT)"),
        Tlp.GREEN: mark("Partners and their community (TLP:GREEN)"),
        Tlp.CLEAR: mark("Everybody, also the public (TLP:CLEAR)"),
    }
)


def show(visit: Visit) -> Response:
    """Show the empty form."""
    return _page(visit, dict.fromkeys(_FORM_FIELDS, ""))


def check(visit: Visit) -> Response:
    """Show how the report in the form is understood; nothing is stored."""
    given = _given(visit)
    if visit.is_partial and not given["value"]:
        return _page(visit, given)
    try:
        visit.site.checks.spend(visit.known_user.name)
    except TaxiiError as error:
        return _page(visit, given, error.status, problem=visit.text(_TOO_MANY))
    # A report that is still being written is no error of the request.
    refused = 200 if visit.is_partial else 422
    try:
        _, checked = _checked(visit, given)
    except SeveralKinds as refusal:
        return _page(visit, given, refused, several=refusal.kinds)
    except Rejected as refusal:
        return _page(visit, given, refused, problem=text_of(visit.language, refusal), reason=refusal.reason)
    return _page(visit, given, 200 if checked.is_ready else refused, checked=checked)


def send(visit: Visit) -> Response:
    """Send the report in the form, in the name of the person and of its partner."""
    given = _given(visit)
    try:
        columns, checked = _checked(visit, given)
    except SeveralKinds as refusal:
        return _page(visit, given, 422, several=refusal.kinds)
    except Rejected as refusal:
        return _page(visit, given, 422, problem=text_of(visit.language, refusal), reason=refusal.reason)
    if not checked.is_ready:
        return _page(visit, given, 422, checked=checked)
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
    try:
        found = by_hand.read(_sending(visit, partner), columns, visit.site.settings.timezone, dry_run=False)
    except TaxiiError as error:
        refused = refusal_of(error)
        return _page(visit, given, refused.status, problem=visit.text(refused.text))
    [row] = found.rows
    if not row.id:
        return _page(visit, given, 422, checked=PreviewedReport(row))
    return visit.page("partner/reported.html", row=row, given=given, value=checked.row)


def _given(visit: Visit) -> dict[str, str]:
    return {name: visit.field(name, _LONGEST) for name in _FORM_FIELDS}


def _checked(visit: Visit, given: Mapping[str, str]) -> tuple[dict[str, str], PreviewedReport]:
    """Return the columns of the report in the form, and how it is understood. Raises ``Rejected``."""
    hub, settings = visit.site.hub, visit.site.settings
    bank, country = bank_in_form(visit)
    columns = by_hand.columns_of({**given, "bank": bank, "country": country}, hub.country)
    with hub.store.read() as tx:
        partner = own_partner(visit, tx)
        row = by_hand.read(_sending(visit, partner), columns, settings.timezone, dry_run=True).rows[0]
        return columns, by_hand.check(hub, tx, partner, row)._replace(paid=by_hand.paid_of(columns))


def _sending(visit: Visit, partner: Partner) -> Sending:
    check_inbox = partial(inbox_check, quotas_of(visit), partner)

    def checks(objects: int) -> tuple[Check | None, Check | None]:
        return check_inbox(objects), check_inbox(0)

    return Sending(visit.site.hub, partner, visit.actor, checks)


def _page(
    visit: Visit,
    given: Mapping[str, str],
    status: int = 200,
    *,
    checked: PreviewedReport | None = None,
    several: list[str] | None = None,
    problem: str = "",
    reason: str = "",
) -> Response:
    """Show the form with its content, and the answer beside it."""
    return visit.page(
        "partner/report.html",
        status,
        given=given,
        checked=checked,
        several=several or [],
        problem=problem,
        reason=reason or (checked.row.reason if checked else ""),
        **_choices(),
        scams=wording.scam_names(visit.language.code).items(),
        needs_bank=False,
        may_be_account=checked is not None and checked.row.kind == "phone" and lacks_bank(visit),
    )


def _choices() -> dict[str, Any]:
    return {
        "kinds": [*kinds.every()],
        "channels": _CHANNELS,
        "readers": _READERS,
        "platforms": [platform.name for platform in PLATFORMS.every],
        "systems": [*SYSTEMS],
        "systems_of_apps": ("android", "ios"),
        "hold_days": HOLD_DAYS,
    }


_FORM_FIELDS = tuple(dict.fromkeys((*FIELDS, *BANK_FIELDS)))
_WRITERS = may_run(Contribute)
ROUTES = (
    Route(_PATH, _WRITERS, show, tab=Tab(OWN, 1, mark("Report"))),
    Route(f"{_PATH}/check", _WRITERS, check, methods=FORM),
    Route(f"{_PATH}/send", _WRITERS, send, methods=FORM),
)
