"""A report that a person writes in a form: read as a row of a file would be, with what the hub knows of its value."""

import io
from collections.abc import Mapping
from datetime import date, timedelta
from typing import NamedTuple

import msgspec

from feeds.mapping.outcomes import FileOutcome, RowOutcome
from feeds.mapping.preview import READY
from feeds.readers.columns.word_tables import CustomNames
from schemas import kinds, timestamp
from schemas.api.lookup import Listing, LookupQuestion, readings
from schemas.errors import Rejected
from schemas.fields import PAID_COLUMNS
from schemas.partner import Partner
from schemas.refang import refang
from schemas.reference.numbers import currency_of
from schemas.tabular import ReportReader
from server.features.lookups import queries
from server.features.lookups.answers import CacheSeconds, answer
from server.features.lookups.asked_value import is_bare_number
from server.features.reports.sending import Sending, read_options
from server.release.guard.try_value import GuardTrial, try_report
from server.release.hub import Hub
from server.store import inbox, partners
from server.store.database.engine import Tx

_NAME = "form.json"
# The columns of kinds that the form has, and its other columns.
DETAILS = ("bank", "country", "platform", "system", "os", "chain")
COLUMNS = (
    *("scam_type", "channel", "tlp", "first_seen", "reference", "description"),
    *("paid_amount", "paid_currency", "hold_amount", "hold_currency"),
)
FIELDS = ("value", "kind", *DETAILS, *COLUMNS, "hold_days")
HOLD_DAYS = (1, 3, 7, 14, 30)
_HELD_KINDS = ("bank-account", "payment-alias", "wallet")
_NO_CACHE = CacheSeconds(0, 0)
_NO_BANK = Rejected("bank-missing", "choose the bank of the account, or the type of the number")
_NO_DATE = Rejected("bad-date", "first_seen: write the day as year-month-day, for example 2026-01-31")
_NO_VALUE = Rejected("no-value", "write the account, number, link or other value that the scam uses")
_NO_HOLD = Rejected("bad-hold", "an amount can be held of an account, an alias or a wallet: leave it out")


class SeveralKinds(Rejected):
    """The value may be of several kinds, of which the person has to choose one."""

    def __init__(self, found: list[str]) -> None:
        """Name the kinds."""
        super().__init__("several-kinds", "choose its kind: it may be of several")
        self.kinds = found


class PreviewedReport(NamedTuple):
    """A report as it is understood: its row, and what the hub knows of the value that the partner may know.

    ``trial`` names the rule by which a person at the hub would review it. ``reported`` is the time of the partner's
    own report of the value. ``paid`` is the amount that victims paid, with its currency.
    """

    row: RowOutcome
    listings: tuple[Listing, ...] = ()
    trial: GuardTrial | None = None
    reported: int | None = None
    paid: str = ""

    @property
    def is_ready(self) -> bool:
        """Return whether it can be sent."""
        return self.row.result == READY


def columns_of(given: Mapping[str, str], country: str) -> dict[str, str]:
    """Return the columns of the report in a form. Raises ``Rejected``, and ``SeveralKinds``.

    ``country`` is the default for values that need one.
    """
    value = given["value"].strip()
    if not value:
        raise _NO_VALUE
    details = {name: given[name] for name in DETAILS if given.get(name)}
    kind = _kind(value, given.get("kind", ""), details, country)
    taken = kinds.get(kind).columns
    columns = {"country": country, **details}
    columns = {name: text for name, text in columns.items() if name in taken and text}
    if kind == "bank-account" and "bank" not in columns:
        del columns["country"]
    columns |= {"kind": kind, "value": value} | {name: given[name] for name in COLUMNS if given.get(name)}
    if "first_seen" in columns and not _is_day(columns["first_seen"]):
        raise _NO_DATE
    _complete_payment(columns, country)
    if "hold_amount" not in columns:
        columns.pop("hold_currency", None)
        return columns
    if kind not in _HELD_KINDS:
        raise _NO_HOLD
    days = next((days for days in HOLD_DAYS if str(days) == given.get("hold_days")), HOLD_DAYS[0])
    return {**columns, "hold_until": timestamp.text(timestamp.now() + timedelta(days=days))}


def _complete_payment(columns: dict[str, str], country: str) -> None:
    """Let an amount that was paid have the currency of the country by default, and drop a currency without amount."""
    if "paid_amount" not in columns:
        columns.pop("paid_currency", None)
    elif "paid_currency" not in columns and (currency := currency_of(country)):
        columns["paid_currency"] = currency


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _kind(value: str, named: str, details: Mapping[str, str], country: str) -> str:
    """Return the kind of a value: as chosen, else the one that it looks like. Raises ``Rejected``."""
    if named:
        return kinds.get(named).name
    plain = refang(value)
    if "bank" in details and not any(map(str.isalpha, plain)):
        return "bank-account"
    given = {name: text for name, text in details.items() if name not in ("bank", "country")}
    found = [kind.name for kind in kinds.every().values() if kind.recognises(plain)] if not given else []
    if not found:
        try:
            found = list(dict.fromkeys(reading.kind for reading in readings(value, None, given, country)))
        except Rejected:
            if is_bare_number(value):
                raise _NO_BANK from None
            raise
    if len(found) > 1:
        raise SeveralKinds(found)
    return found[0]


def paid_of(columns: Mapping[str, str]) -> str:
    """Return the amount that victims paid, as columns are read, with its currency."""
    return " ".join(PAID_COLUMNS.read(columns).values())


def read(sending: Sending, columns: Mapping[str, str], timezone: str, *, dry_run: bool) -> FileOutcome:
    """Send the report of a form, or with ``dry_run`` only understand it."""
    options, _ = read_options([("format", "json")], timezone)
    return sending.read(io.BytesIO(msgspec.json.encode([columns])), _NAME, options, CustomNames(), dry_run=dry_run)


def check(hub: Hub, tx: Tx, partner: Partner, row: RowOutcome) -> PreviewedReport:
    """Return what the hub knows of the value of a row. Only listings that the partner may read are among it."""
    if row.result != READY:
        return PreviewedReport(row)
    question = LookupQuestion(row.value, row.kind)
    [result] = answer(tx, [question], queries.readable_logs(tx, partner.name), _NO_CACHE, hub.country).answer.results
    reader = ReportReader({"reporter": partner.name, "reported_at": timestamp.text(timestamp.now())})
    trial = try_report(hub, tx, reader.report({"kind": row.kind, "value": row.value}))
    stored = inbox.of_partner(tx, partners.space(tx, partner.name), [row.id]).get(row.id)
    reported = None if stored is None or stored.revoked else stored.version
    return PreviewedReport(row, result.listings, trial if trial.rule else None, reported)
