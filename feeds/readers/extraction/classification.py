"""Whether what a text names is an indicator: by what it is, where it stands, and the words around it."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from feeds.readers.extraction.cues import is_called_real, purpose_by_cues
from feeds.readers.extraction.labels import Purpose
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
_INNOCENT = ("not-a-report", "the text names this as somebody's real one, a victim's, or as one that serves others too")
_UNREAD = ("value-form", "this is defanged as a value is, and is none that can be read: write it out as one word")
_PLAIN = (
    "not-marked",
    "in a sentence a plain link, address or number may be anybody's: defang it (hxxp, [.], [at]), or list it under a "
    "heading such as Domains, Phone numbers or Indicators",
)


class Surroundings(NamedTuple):
    """What the place of a value is for, and the words in front of it and behind it, up to other values.

    ``marks`` tells that the writer defangs what serves a scam, so that plain links are rather to who wrote it;
    ``joined`` that only words such as "and" part it from one that was taken; ``general`` that nothing but a label like
    "Phone" speaks for it, which says of nobody that he scams; ``quoted`` that the scammer himself
    writes it.
    """

    place: Purpose
    before: str
    behind: str
    marks: bool = False
    joined: bool = False
    general: bool = False
    quoted: bool = False


def classify_value(
    number: int, each: Candidate, around: Surroundings, *, alone: bool, sentence: bool
) -> Row | Unreadable | None:
    """Take what was spotted or refuse it; None for a word that only looks like a value."""
    if not each.value:
        return Unreadable.of(number, each.raw, *REDACTED)
    listed = alone or (around.place is Purpose.VALUES and not sentence)
    if around.general and each.shape in ("phone", "email"):
        listed = False
    sure = each.defanged or each.shape == "iban" or (each.shape == "wallet" and _is_wallet(each.value, listed=listed))
    if not sure and not _may_be_a_value(each, around, listed=listed):
        return None
    written = each.raw if each.whole and each.shape != "iban" else each.value
    if around.marks and not sure and each.shape == "url":
        return Unreadable.of(number, each.raw, *_SOURCE)
    if each.shape in ("host", "ip") and each.value.count(":") == 1 and "/" not in each.value:
        written = _PORT.sub("", written)
    kind = _KINDS.get(each.shape)
    fields = {"value": written} | ({"kind": kind} if kind else {})
    if sure:
        return _classify_marked(number, each, fields, around)
    return _classify_plain(number, each.raw, fields, around, listed=listed)


def classify_number(line: int, found: NumberCandidate, around: Surroundings, *, sentence: bool) -> Row | Unreadable:
    """Take an account, a telephone number or an alias, or refuse it."""
    words = re.sub(r"[\W\d_]+", " ", f"{around.before} {around.behind}".replace(found.fields.get("bank", "\0"), " "))
    alone = "bank" in found.fields and len(words.split()) <= 2 and len(words) <= 24
    listed = (around.place is Purpose.VALUES and not sentence and not around.general) or (
        alone and (around.place is Purpose.WORDS or around.general)
    )
    return _classify_plain(line, found.raw, found.fields, around, listed=listed)


def classify_handle(line: int, fields: Mapping[str, str], around: Surroundings, *, sentence: bool) -> Row | Unreadable:
    """Take a handle or refuse it."""
    return _classify_plain(
        line, fields["value"], fields, around, listed=around.place is Purpose.VALUES and not sentence
    )


def refuse_unread(line: int, word: str) -> Unreadable:
    """Refuse a word that is defanged and cannot be read."""
    return Unreadable.of(line, word, *_UNREAD)


def is_link(each: Candidate) -> bool:
    """Tell whether it is what writers put on a line of its own for their readers to open."""
    return each.shape in ("url", "email") or (each.shape == "host" and "/" in each.value)


def _classify_marked(line: int, each: Candidate, fields: Mapping[str, str], around: Surroundings) -> Row | Unreadable:
    """Take a value that is marked as one, unless the text calls it somebody's real one."""
    if is_called_real(around.before, around.behind):
        return Unreadable.of(line, each.raw, *_INNOCENT)
    here = purpose_by_cues(around.before, around.behind, marked=True)
    if here is Purpose.VALUES or (around.place is Purpose.VALUES and here is not Purpose.INNOCENT):
        return Row(line, fields)
    if Purpose.INNOCENT in (here, around.place):
        return Unreadable.of(line, each.raw, *_INNOCENT)
    told = around.place is Purpose.SOURCES and (
        not each.defanged or bool(_ARTICLE.search(each.value)) or each.shape == "email"
    )
    if told or Purpose.CONTACT in (here, around.place):
        return Unreadable.of(line, each.raw, *_SOURCE)
    return Row(line, fields)


def _classify_plain(
    line: int, raw: str, fields: Mapping[str, str], around: Surroundings, *, listed: bool
) -> Row | Unreadable:
    if around.place in (Purpose.SOURCES, Purpose.TOLD, Purpose.CONTACT):
        return Unreadable.of(line, raw, *_SOURCE)
    if around.place is Purpose.INNOCENT:
        return Unreadable.of(line, raw, *_INNOCENT)
    here = purpose_by_cues(around.before, around.behind)
    if here is Purpose.INNOCENT:
        return Unreadable.of(line, raw, *_INNOCENT)
    if here is Purpose.VALUES or around.quoted or (here is None and (listed or around.joined)):
        return Row(line, fields)
    return Unreadable.of(line, raw, *(_SOURCE if here is Purpose.CONTACT else _PLAIN))


def _may_be_a_value(each: Candidate, around: Surroundings, *, listed: bool) -> bool:
    """Tell whether a plain name or address is one at all: no file's, no version, no word with a dot in it."""
    if each.shape == "ip":
        return listed or _VERSION.search(around.before) is None
    if each.shape != "host":
        return each.shape != "wallet"
    name = each.value.partition("/")[0].partition("?")[0]
    if not listed and _NEXT_SENTENCE.search(name):
        return False
    return ((around.place is Purpose.VALUES and listed) or _FILES.search(name) is None) and _is_known(each.value)


def _is_known(text: str) -> bool:
    return any(kind.recognises(text) for kind in kinds.every().values())


def _is_wallet(text: str, *, listed: bool) -> bool:
    """Tell whether ``text`` is an address by its checksum; where there is none, only among other values."""
    wallet = kinds.get("wallet")
    if not wallet.recognises(text):
        return False
    try:
        chain = wallet.normalise(text).details.get("chain", "")
    except Rejected:
        return listed
    return listed or chain not in _WITHOUT_CHECKSUM
