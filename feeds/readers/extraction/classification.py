"""Classification of candidates: values of the scam, or refused as contacts, sources or somebody's legitimate ones."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from feeds.readers.extraction.cues import is_called_real, purpose_by_cues
from feeds.readers.extraction.labels import TextPurpose
from feeds.readers.extraction.numbers_and_handles import NumberCandidate
from feeds.readers.extraction.values import Candidate
from feeds.readers.rows import Row, Unreadable
from schemas import kinds
from schemas.errors import Rejected
from schemas.redaction import REDACTED

# Endings of files that are suffixes of domains too.
_FILES = re.compile(r"\.(?:md|sh|py|rs|pl|ps|so|zip|mov)$", re.IGNORECASE)
_VERSION = re.compile(r"(?:\bv(?:ersion|er|\.)?|\brelease|\bbuild|รุ่น|เวอร์ชัน|phiên bản|版本)[\s:]*$", re.IGNORECASE)
# "It ended.In May": a sentence begins without a blank.
_NEXT_SENTENCE = re.compile(r"[a-z0-9]\.[A-Z][a-z]+$")
_PORT = re.compile(r":\d{1,5}$")
_ARTICLE = re.compile(r"[^/:]/[^/]")
_KINDS = {"email": "email", "phone": "phone", "iban": "bank-account", "wallet": "wallet", "ip": "ip"}
_WITHOUT_CHECKSUM = frozenset({"solana"})

_SOURCE = ("not-a-report", "the text names this as a source or contact, not as part of a scam")
_INNOCENT = ("not-a-report", "the text calls this legitimate, a victim's, or a provider's that has other customers too")
_UNREAD = ("value-form", "this is defanged as a value is, and is none that can be read: write it out as one word")
_PLAIN = (
    "not-marked",
    "in a sentence a plain link, address or number may be anybody's: defang it (hxxp, [.], [at]), or list it under a "
    "heading such as Domains, Phone numbers or Indicators",
)


class Surroundings(NamedTuple):
    """The purpose of a value's place, and the words in front of it and behind it, up to other values.

    ``defangs``: the writer defangs values of scams, so that plain links are the writer's own. ``joined``: only words
    such as "and" part it from an accepted value. ``general``: only a label such as "Phone", which names no scammer,
    supports it. ``quoted``: the scammer writes it.
    """

    purpose: TextPurpose
    before: str
    behind: str
    defangs: bool = False
    joined: bool = False
    general: bool = False
    quoted: bool = False


def classify_value(
    number: int, candidate: Candidate, around: Surroundings, *, alone: bool, sentence: bool
) -> Row | Unreadable | None:
    """Accept or refuse a candidate of line ``number``; None for a word that only looks like a value."""
    if not candidate.value:
        return Unreadable.of(number, candidate.raw, *REDACTED)
    listed = alone or (around.purpose is TextPurpose.VALUES and not sentence)
    if around.general and candidate.shape in ("phone", "email"):
        listed = False
    sure = _is_sure(candidate, listed=listed)
    if not sure and not _can_be_value(candidate, around, listed=listed):
        return None
    if around.defangs and not sure and candidate.shape == "url":
        return Unreadable.of(number, candidate.raw, *_SOURCE)
    fields = _fields(candidate)
    if sure:
        return _classify_marked(number, candidate, fields, around)
    return _classify_plain(number, candidate.raw, fields, around, listed=listed)


def _is_sure(candidate: Candidate, *, listed: bool) -> bool:
    """Return whether a candidate is a value wherever it stands: defanged, or with a checksum."""
    if candidate.shape == "wallet" and not candidate.defanged:
        return _is_wallet(candidate.value, listed=listed)
    return candidate.defanged or candidate.shape == "iban"


def _fields(candidate: Candidate) -> dict[str, str]:
    """Return the value as written, without a port, and its kind where the shape names one."""
    text = candidate.raw if candidate.whole and candidate.shape != "iban" else candidate.value
    if candidate.shape in ("host", "ip") and candidate.value.count(":") == 1 and "/" not in candidate.value:
        text = _PORT.sub("", text)
    kind = _KINDS.get(candidate.shape)
    return {"value": text, "kind": kind} if kind else {"value": text}


def classify_number(line: int, found: NumberCandidate, around: Surroundings, *, sentence: bool) -> Row | Unreadable:
    """Accept or refuse an account, a telephone number or an alias."""
    words = re.sub(r"[\W\d_]+", " ", f"{around.before} {around.behind}".replace(found.fields.get("bank", "\0"), " "))
    alone = "bank" in found.fields and len(words.split()) <= 2 and len(words) <= 24
    listed = (around.purpose is TextPurpose.VALUES and not sentence and not around.general) or (
        alone and (around.purpose is TextPurpose.WORDS or around.general)
    )
    return _classify_plain(line, found.raw, found.fields, around, listed=listed)


def classify_handle(line: int, fields: Mapping[str, str], around: Surroundings, *, sentence: bool) -> Row | Unreadable:
    """Accept or refuse a handle."""
    listed = around.purpose is TextPurpose.VALUES and not sentence
    return _classify_plain(line, fields["value"], fields, around, listed=listed)


def refuse_unread(line: int, word: str) -> Unreadable:
    """Refuse a defanged word that cannot be read."""
    return Unreadable.of(line, word, *_UNREAD)


def is_link(candidate: Candidate) -> bool:
    """Return whether a candidate is a link or mailbox, which writers also put on a line of its own for readers."""
    return candidate.shape in ("url", "email") or (candidate.shape == "host" and "/" in candidate.value)


def _classify_marked(
    line: int, candidate: Candidate, fields: Mapping[str, str], around: Surroundings
) -> Row | Unreadable:
    """Accept a value that is marked as one, unless the text calls it legitimate, a contact or a source."""
    if is_called_real(around.before, around.behind):
        return Unreadable.of(line, candidate.raw, *_INNOCENT)
    here = purpose_by_cues(around.before, around.behind, marked=True)
    if here is TextPurpose.VALUES or (around.purpose is TextPurpose.VALUES and here is not TextPurpose.INNOCENT):
        return Row(line, fields)
    if TextPurpose.INNOCENT in (here, around.purpose):
        return Unreadable.of(line, candidate.raw, *_INNOCENT)
    cited = around.purpose is TextPurpose.SOURCES and (
        not candidate.defanged or bool(_ARTICLE.search(candidate.value)) or candidate.shape == "email"
    )
    if cited or TextPurpose.CONTACT in (here, around.purpose):
        return Unreadable.of(line, candidate.raw, *_SOURCE)
    return Row(line, fields)


def _classify_plain(
    line: int, raw: str, fields: Mapping[str, str], around: Surroundings, *, listed: bool
) -> Row | Unreadable:
    if around.purpose in (TextPurpose.SOURCES, TextPurpose.NEWS, TextPurpose.CONTACT):
        return Unreadable.of(line, raw, *_SOURCE)
    if around.purpose is TextPurpose.INNOCENT:
        return Unreadable.of(line, raw, *_INNOCENT)
    here = purpose_by_cues(around.before, around.behind)
    if here is TextPurpose.INNOCENT:
        return Unreadable.of(line, raw, *_INNOCENT)
    if here is TextPurpose.VALUES or around.quoted or (here is None and (listed or around.joined)):
        return Row(line, fields)
    return Unreadable.of(line, raw, *(_SOURCE if here is TextPurpose.CONTACT else _PLAIN))


def _can_be_value(candidate: Candidate, around: Surroundings, *, listed: bool) -> bool:
    """Return whether a plain name or address can be a value: no file, no version, no word with a dot in it."""
    if candidate.shape == "ip":
        return listed or _VERSION.search(around.before) is None
    if candidate.shape != "host":
        return candidate.shape != "wallet"
    name = candidate.value.partition("/")[0].partition("?")[0]
    if not listed and _NEXT_SENTENCE.search(name):
        return False
    return ((around.purpose is TextPurpose.VALUES and listed) or _FILES.search(name) is None) and _is_known(
        candidate.value
    )


def _is_known(text: str) -> bool:
    return any(kind.recognises(text) for kind in kinds.every().values())


def _is_wallet(text: str, *, listed: bool) -> bool:
    """Return whether ``text`` is an address by its checksum; without a checksum, only where values are listed."""
    wallet = kinds.get("wallet")
    if not wallet.recognises(text):
        return False
    try:
        chain = wallet.normalise(text).details.get("chain", "")
    except Rejected:
        return listed
    return listed or chain not in _WITHOUT_CHECKSUM
