"""A message of ISO 20022 read as requests, or as responses to them; without store or clock."""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

from pydantic import ValidationError

from schemas import timestamp
from schemas.errors import Rejected, rejection_of
from schemas.request import LegalBasis, Request, RequestWord
from server.features.iso20022 import lines
from server.features.iso20022.parts import MessagePart, is_plain
from server.features.iso20022.xml import MessageRefused

MOST_TRANSACTIONS = 100
# Paths of texts that no request carries, named for one message.
MOST_NAMED = 200
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_AHEAD = timedelta(days=1)


class Defaults(NamedTuple):
    """Facts missing in a cancellation: the time to respond from its creation on, and the basis in law.

    ``asks`` replaces the word that the message gives.
    """

    within: timedelta = timedelta(days=10)
    legal_basis: LegalBasis = LegalBasis.SCHEME_RULES
    asks: RequestWord | None = None


class AgentAt(NamedTuple):
    """An agent of a message, None where it has neither BIC nor clearing number, and its path."""

    path: str
    agent: str | None


class Asking(NamedTuple):
    """A transaction that asks. ``own`` are the agents that have to be the sender's."""

    path: str
    request: Request
    own: Sequence[AgentAt]


class Mark(NamedTuple):
    """A fact by which a response names its request: the name of the fact, its text and its path."""

    name: str
    text: str
    path: str


class Responding(NamedTuple):
    """A transaction that responds: the marks of its request, and the fields of the steps that it takes, in order."""

    path: str
    marks: Sequence[Mark]
    steps: Sequence[dict[str, Any]]
    own: Sequence[AgentAt]


class UnreadTransaction(NamedTuple):
    """A transaction that is no request and no response, and why."""

    path: str
    refusal: Rejected


Transaction = Asking | Responding | UnreadTransaction


class Message(NamedTuple):
    """A message with its transactions.

    ``not_carried`` are the paths of the first texts that no request can carry, ``more`` is the number of the others.
    """

    name: str
    id: str
    created: datetime
    transactions: Sequence[Transaction]
    not_carried: Sequence[str]
    more: int


class MessageReader:
    """Reads the transactions of one kind of message.

    ``head`` is the element that names the message, ``id_name`` its id there.
    """

    head: str
    id_name: str

    def __init__(self, top: MessagePart, reporter: str, now: datetime, defaults: Defaults) -> None:
        """Read in the name of ``reporter``; a message from the future counts as sent ``now``."""
        self.top = top
        self.reporter = reporter
        self.defaults = defaults
        self.start = top.every(self.head)[0]
        self.id = self.start.text(self.id_name) or ""
        self.created = _moment(self.start.text("CreDtTm") or "", f"{self.start.path}/CreDtTm", now)
        self.reported = min(self.created, now)
        self.message_id = self.id if is_plain(self.id) else None

    def transactions(self) -> list[Transaction]:
        """Return the transactions in order. Raises ``MessageRefused``."""
        raise NotImplementedError

    def each(self, parts: Iterable[MessagePart], read_one: Callable[[MessagePart], Transaction]) -> list[Transaction]:
        """Return the transactions of these parts; one that cannot be read stops no other."""
        found: list[Transaction] = []
        for part in islice(parts, MOST_TRANSACTIONS + 1):
            try:
                found.append(read_one(part))
            except Rejected as refusal:
                found.append(UnreadTransaction(part.path, refusal))
            except ValidationError as error:
                found.append(UnreadTransaction(part.path, rejection_of(error)))
        return found

    def check_number(self, path: str, found: int) -> None:
        """Refuse a message whose number of transactions is another than it says."""
        number = self.top.find(path)
        if number is not None and int(number.use()) != found:
            raise MessageRefused("NbOfTxs", number.path, f"the message has {found} transactions")


def message_of(document: Element, name: str, reader: type[MessageReader], *given: Any) -> Message:
    """Return a checked message as ``reader`` reads it. Raises ``MessageRefused``."""
    root = MessagePart.root(document)
    opened = reader(next(root.children()), *given)
    transactions = opened.transactions()
    if not 0 < len(transactions) <= MOST_TRANSACTIONS:
        text = f"a message has 1 to {MOST_TRANSACTIONS} transactions, each named by itself"
        raise MessageRefused("transactions", opened.top.path, text, "no-transactions")
    refused = tuple(f"{one.path}/" for one in transactions if isinstance(one, UnreadTransaction))
    unused = [path for path in root.unused() if not path.startswith(refused)]
    most = MOST_NAMED
    return Message(name, opened.id, opened.created, transactions, unused[:most], max(0, len(unused) - most))


def _moment(text: str, path: str, now: datetime) -> datetime:
    """Return the time of a message; without an offset it is UTC. Raises ``MessageRefused``."""
    try:
        found = timestamp.parse(text)
    except Rejected:
        found = None
    if found is None or found > now + _AHEAD:
        raise MessageRefused("ISODateTime", path, "it is no time, or more than a day ahead")
    return found


def is_date(text: str) -> bool:
    """Return whether a text is a date without an offset."""
    return _DATE.fullmatch(text) is not None


def fields_in_lines(parts: Iterable[MessagePart], names: Iterable[str]) -> list[tuple[str, str]]:
    """Return the fields in the lines of reasons; lines of another form stay unused."""
    found = []
    for line in (line for part in parts for line in part.every("AddtlInf")):
        if (field := lines.read(line.raw, names)) is not None:
            found.append(field)
            line.use()
    return found


def amount_at(tx: MessagePart, *paths: str) -> tuple[str | None, str | None]:
    """Return amount and currency of the first of several elements; those that say the same count as used."""
    found: tuple[str | None, str | None] = (None, None)
    for part in filter(None, map(tx.find, paths)):
        said = (part.raw.strip(), part.attribute("Ccy"))
        if found[0] is None:
            found = said
        if (Decimal(found[0] or 0), found[1]) == (Decimal(said[0]), said[1]):
            part.use()
    return found


def date_at(tx: MessagePart, *paths: str) -> str | None:
    """Return the date of the first of several elements; those that say the same count as used."""
    parts = [part for part in map(tx.find, paths) if part is not None and is_date(part.raw)]
    for part in parts:
        if part.raw == parts[0].raw:
            part.use()
    return parts[0].raw if parts else None


def present(facts: dict[str, Any]) -> dict[str, Any]:
    """Return the facts that have a value."""
    return {name: value for name, value in facts.items() if value not in (None, [], {})}
