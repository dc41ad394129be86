"""Classification of candidates: values of the scam, or refused as contacts, sources or somebody's legitimate ones."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from feeds.readers.extraction.cues import ONLY_ASKED, UNSPACED, NearCue, TextPurpose, purpose_by_cues
from feeds.readers.extraction.numbers import NumberCandidate, bank_columns
from feeds.readers.extraction.roles import ValueRole
from feeds.readers.extraction.values import Candidate
from feeds.readers.rows import EXTENSION, HAS_EXTENSION, Row, Unreadable
from schemas import kinds
from schemas.errors import Rejected
from schemas.refang import REDACTED
from schemas.reference.bank_text import BankMention

# Endings of files that are also suffixes of domains.
_FILES = re.compile(r"\.(?:md|sh|py|rs|pl|ps|so|zip|mov)$", re.IGNORECASE)
_VERSION = re.compile(r"(?:\bv(?:ersion|er|\.)?|\brelease|\bbuild|รุ่น|เวอร์ชัน|phiên bản|版本)[\s:]*$", re.IGNORECASE)
# "It ended.In May": a sentence begins without a blank.
_NEXT_SENTENCE = re.compile(r"[a-z0-9]\.[A-Z][a-z]+$")
_PORT = re.compile(r":\d{1,5}$")
# The package name of an app, behind words for apps: a name of a host, turned round.
_PACKAGE = re.compile(r"(?:com|org|net|io|co|app|me|info|vn|in|id|th|br|my|ph)(?:\.[A-Za-z][A-Za-z0-9_]*){2,}")
_OF_APPS = re.compile(
    r"\b(?:apps?|apk|download\w*|install\w*|applications?|aplika?si|aplicativo|aplicación|instal\w*|unduh|muat turun"
    r"|package)\b"
    r"|ứng dụng|cài|แอป|ติดตั้ง|应用|應用|安装|安裝|下载|下載|ऐप|इंस्टॉल",
    re.IGNORECASE,
)
_ARTICLE = re.compile(r"[^/:]/[^/]")
_KINDS = {
    "email": "email",
    "phone": "phone",
    "iban": "bank-account",
    "wallet": "wallet",
    "ip": "ip",
    "alias": "payment-alias",
}
_WITHOUT_CHECKSUM = frozenset({"solana"})

_SOURCE = ("not-a-report", "the text names this as a source or contact, not as part of a scam")
_INNOCENT = ("not-a-report", "the text calls this legitimate, a victim's, or a provider's that has other customers too")
_UNREAD = ("value-form", "this is defanged as a value is, and is none that can be read: write it out as one word")
_PLAIN = (
    "not-marked",
    "in a sentence a plain link, address or number may be anybody's: defang it (hxxp, [.], [at]), or list it under a "
    "heading such as Domains, Phone numbers or Indicators",
)
_REAL = "the words beside it call it legitimate, or a victim's"
_SHOWN = 60
# Cues of the writer's and the victim's own values, which outweigh a checksum.
_OWN = frozenset({"own", "of_victim", "owner_behind", "debited_behind", "cleared", "donation"})
_OWNERS = frozenset({"own", "of_victim", "owner_behind", "debited_behind"})
# Cues that outweigh a list.
_OTHERS = _OWN | {"helper", "report", "other_behind"}
# Below a heading or behind a label, only with this number of words before the value.
_SOME_WORDS = 4
_SOME_LETTERS = 24
# Refusals by the purpose of a heading, a label or a cue.
_ABOVE: Mapping[TextPurpose | None, tuple[str, str]] = {
    TextPurpose.SOURCES: _SOURCE,
    TextPurpose.NEWS: _SOURCE,
    TextPurpose.CONTACT: _SOURCE,
    TextPurpose.INNOCENT: _INNOCENT,
}
_HOST = re.compile(r"^(?:[a-z*]{2,7}:[/\\]*)?(?:[^/@]*@)?([^/:?#]+\.[^/:?#]+)")
_OFFICIAL = re.compile(r"(?:^|\.)(?:gov|go|gob|gouv|mil|police|nhs)(?:\.[a-z]{2})?$")


class Surroundings(NamedTuple):
    """The purpose of a value's place, and the words before and after it, up to other values.

    ``defangs``: the writer defangs values of scams, so that plain links are the writer's own. ``joined``: only words
    such as "and" separate it from an accepted value. ``general``: only a label such as "Phone", which does not mention
    a scammer, supports it. ``quoted``: the scammer wrote it. ``inferred``: only a neighbouring line states the purpose,
    so the sentence outweighs it. ``stated``: the words before it in its line state the purpose, else the ``label`` of
    the line or the ``heading`` above. ``role`` returns the role of a value with such columns in its sentence,
    ``question`` the words that make this sentence a question about it.
    """

    purpose: TextPurpose
    before: str
    behind: str
    defangs: bool = False
    joined: bool = False
    general: bool = False
    quoted: bool = False
    inferred: bool = False
    stated: bool = False
    label: str = ""
    heading: str = ""
    role: Callable[[Mapping[str, str]], ValueRole | None] = lambda _: None
    question: Callable[[], str] = lambda: ""

    @property
    def above(self) -> str:
        """Return the nearest words that introduce the line: its label, else the heading."""
        return self.label or self.heading

    @property
    def place(self) -> str:
        """Return the place of the value, as the reason of a decision."""
        if self.purpose is TextPurpose.WORDS:
            return "alone on its line or in code"
        if self.inferred:
            return "next to a contact or a legitimate value"
        words = [("behind", self.before)] if self.stated else [("below", self.heading), ("behind", self.label)]
        named = [f"{where} {text.strip()[-_SHOWN:]!r}" for where, text in words if text.strip()]
        return f"{', '.join(named) or 'in a table or a forwarded message'} ({self.purpose.value})"


def classify_value(
    number: int, candidate: Candidate, around: Surroundings, *, alone: bool, sentence: bool
) -> Row | Unreadable | None:
    """Accept or refuse a candidate of line ``number``; None for a word that only looks like a value."""
    if not candidate.value:
        return Unreadable.of(number, candidate.raw, *REDACTED, why="a part of it is hidden")
    listed = alone or (around.purpose is TextPurpose.VALUES and not sentence)
    if around.general and candidate.shape in ("phone", "email"):
        listed = False
    sure = _is_sure(candidate, listed=listed)
    if not sure and not _can_be_value(candidate, around, listed=listed):
        return None
    if around.defangs and not sure and candidate.shape == "url":
        return Unreadable.of(number, candidate.raw, *_SOURCE, why="the writer defangs values of scams")
    fields = _fields(candidate)
    if candidate.shape == "host" and _PACKAGE.fullmatch(candidate.raw) and _OF_APPS.search(around.before):
        fields = {"value": candidate.raw, "kind": "app", "os": "android"}
    if sure:
        return _classify_marked(number, candidate, fields, around)
    return _classify_plain(number, candidate.raw, fields, around, listed=listed)


def _is_sure(candidate: Candidate, *, listed: bool) -> bool:
    """Return whether a candidate is a value in any position: it is defanged, or has a checksum."""
    if candidate.shape == "wallet" and not candidate.defanged:
        return _is_wallet(candidate.value, listed=listed)
    return candidate.defanged or candidate.shape in ("iban", "qr")


def _fields(candidate: Candidate) -> dict[str, str]:
    """Return the value as written, without a port, and its kind if the shape determines it."""
    text = candidate.raw if candidate.whole and candidate.shape not in ("iban", "alias") else candidate.value
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


def refuse_partial(line: int, digits: str) -> Unreadable:
    """Refuse the last digits of a number."""
    return Unreadable.of(line, digits, *REDACTED, why="a part of it is hidden")


def is_owned(row: Unreadable, around: Surroundings) -> bool:
    """Return whether a value was refused because its own sentence calls it a victim's or the writer's."""
    if row.reason != _INNOCENT[0]:
        return False
    role = around.role({"kind": "bank-account"})
    return role is not None and role.sure and role.idea in _OWNERS


def refuse_owned(line: int, raw: str) -> Unreadable:
    """Refuse a value that the text calls a victim's own elsewhere."""
    return Unreadable.of(line, raw, *_INNOCENT, why="called a victim's or the writer's own above")


def is_link(candidate: Candidate) -> bool:
    """Return whether a candidate is a link or mailbox, which writers also put on a separate line for readers."""
    return candidate.shape in ("url", "email") or (candidate.shape == "host" and "/" in candidate.value)


def _classify_marked(
    line: int, candidate: Candidate, fields: Mapping[str, str], around: Surroundings
) -> Row | Unreadable:
    """Accept a value that is marked as one, unless the text calls it legitimate, a contact or a source."""
    marked = "defanged" if candidate.defanged else f"a form with a checksum ({candidate.shape})"
    near = purpose_by_cues(around.before, around.behind, marked=True)
    purposes = (near.purpose, around.purpose)
    if near.sure:
        return Unreadable.of(line, candidate.raw, *_INNOCENT, why=_REAL)
    if not candidate.defanged and (role := around.role(fields)) and role.idea in _OWN:
        return Unreadable.of(line, candidate.raw, *_INNOCENT, why=role.why)
    if TextPurpose.VALUES in purposes and near.purpose is not TextPurpose.INNOCENT:
        return Row(line, fields, why=f"{marked}, {_why(TextPurpose.VALUES, near, around)}")
    if TextPurpose.INNOCENT in purposes:
        return Unreadable.of(line, candidate.raw, *_INNOCENT, why=_why(TextPurpose.INNOCENT, near, around))
    if TextPurpose.CONTACT in purposes or (around.purpose is TextPurpose.SOURCES and _is_cited(candidate)):
        return Unreadable.of(line, candidate.raw, *_SOURCE, why=_why(TextPurpose.CONTACT, near, around))
    return Row(line, fields, why=marked)


def _why(purpose: TextPurpose, near: NearCue, around: Surroundings) -> str:
    """Return the words of a ``purpose`` beside a value, else its place, as the reason of a decision."""
    return near.why if near.purpose is purpose else around.place


def _is_cited(candidate: Candidate) -> bool:
    """Return whether a value among the sources of a text is one of them: even defanged, an article or a mailbox."""
    return not candidate.defanged or candidate.shape == "email" or _ARTICLE.search(candidate.value) is not None


def _classify_plain(
    line: int, raw: str, fields: Mapping[str, str], around: Surroundings, *, listed: bool
) -> Row | Unreadable:
    """Accept or refuse a value by its place and the words beside it, else by its sentence."""
    if around.purpose in _ABOVE and not (around.inferred and _is_scammers(around.role(fields))):
        return Unreadable.of(line, raw, *_ABOVE[around.purpose], why=around.place)
    near = purpose_by_cues(around.before, around.behind)
    if near.sure:
        return Unreadable.of(line, raw, *_INNOCENT, why=_REAL)
    if words := around.question():
        return Unreadable.of(line, raw, *ONLY_ASKED, why=words)
    if fields.get("kind") == "phone" and EXTENSION.match(around.behind):
        return Unreadable.of(line, raw, *HAS_EXTENSION)
    role = around.role(fields)
    if role and role.sure:
        return Unreadable.of(line, raw, *_INNOCENT, why=role.why)
    return _classify_by_place(line, raw, fields, around, near, listed=listed)


def _classify_by_place(
    line: int, raw: str, fields: Mapping[str, str], around: Surroundings, near: NearCue, *, listed: bool
) -> Row | Unreadable:
    """Accept or refuse a value that may be anybody's by the words beside it and its place, else by its sentence."""
    if near.purpose is TextPurpose.VALUES:
        return Row(line, fields, why=near.why)
    if around.quoted:
        return Row(line, fields, why="the scammer wrote it")
    if near.purpose is None and listed and not _outweighs_list(around, fields):
        return Row(line, fields, why=around.place)
    if near.purpose is None and around.joined:
        return Row(line, fields, why="joined to a value")
    return _classify_by_sentence(line, raw, fields, around, near)


def _classify_by_sentence(
    line: int, raw: str, fields: Mapping[str, str], around: Surroundings, near: NearCue
) -> Row | Unreadable:
    """Accept or refuse a value by its role in its sentence, else by the words beside it."""
    role = around.role(fields)
    purpose, why = (role.purpose, role.why) if role else (near.purpose, near.why if near.purpose else "no words for it")
    if purpose is not TextPurpose.VALUES:
        return Unreadable.of(line, raw, *_ABOVE.get(purpose, _PLAIN), why=why)
    if _is_official(raw):
        return Unreadable.of(line, raw, *_INNOCENT, why="a government's name")
    return Row(line, fields, why=why)


def _outweighs_list(around: Surroundings, fields: Mapping[str, str]) -> bool:
    """Return whether the words of the sentence call a listed value somebody else's."""
    if (
        around.above
        and len(around.before.split()) < _SOME_WORDS
        and len(UNSPACED.findall(around.before)) < _SOME_LETTERS
    ):
        return False
    role = around.role(fields)
    return role is not None and (role.idea in _OTHERS or (role.idea == "victim" and not around.above))


def _is_scammers(role: ValueRole | None) -> bool:
    return role is not None and role.purpose is TextPurpose.VALUES


def _is_official(raw: str) -> bool:
    """Return whether a link, a name or a mailbox is a government's, which a text mentions as a source of advice."""
    found = _HOST.search(raw.lower())
    return found is not None and _OFFICIAL.search(found[1]) is not None


def _can_be_value(candidate: Candidate, around: Surroundings, *, listed: bool) -> bool:
    """Return whether a plain name or address can be a value: not a file, a version, or a word with a dot in it."""
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
    """Return whether ``text`` is an address by its checksum; without a checksum, only if values are listed here."""
    wallet = kinds.get("wallet")
    if not wallet.recognises(text):
        return False
    try:
        chain = wallet.normalise(text).details.get("chain", "")
    except Rejected:
        return listed
    return listed or chain not in _WITHOUT_CHECKSUM


# The bank of an account may be on a separate line, at most this many lines above or below.
_NEAR = 3


class DeferredAccounts:
    """Accounts that wait for a line with the name of their bank."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, Row]] = []
        self._bank: BankMention | None = None
        self._named_at = -_NEAR

    def known(self, number: int, above: Sequence[BankMention]) -> Mapping[str, str]:
        """Return the columns of the bank of a near line, else of the heading ``above``, {} if none names one."""
        bank = self._bank if self._bank and number - self._named_at <= _NEAR else above[-1] if above else None
        return bank_columns(bank)

    def add(self, number: int, row: Row) -> None:
        """Hold an account until a line names its bank."""
        self._waiting.append((number, row))

    def line(self, number: int, named: BankMention | None) -> Iterator[Row]:
        """Record the bank of a line; yield the accounts that waited for it, or that have waited long enough."""
        if named:
            self._bank, self._named_at = named, number
        waiting, self._waiting = self._waiting, []
        for line, row in waiting:
            if named:
                yield row._replace(line=line, fields={**row.fields, **bank_columns(named)})
            elif number - line >= _NEAR:
                yield row
            else:
                self._waiting.append((line, row))

    def all(self) -> Iterator[Row]:
        """Yield all waiting accounts, without their bank."""
        waiting, self._waiting = self._waiting, []
        yield from (row for _, row in waiting)

    def forget(self) -> None:
        """Forget the last bank."""
        self._bank = None


class DeferredParagraph:
    """The results of the lines of a paragraph, and the values that wait for its end.

    ``accepted`` is the last line with a value of the scam, ``refused`` the last with a contact or a legitimate value.
    """

    def __init__(self) -> None:
        self.accepted = self.refused = -_NEAR
        self._lines: dict[int, bool] = {}
        self._waiting: list[tuple[Row, Unreadable]] = []

    def decide(
        self,
        row: Row | Unreadable | None,
        classify: Callable[[Surroundings], Row | Unreadable | None],
        around: Surroundings,
    ) -> Row | Unreadable | None:
        """Return ``row``; None if only a label such as "Phone" supports it, so that it waits.

        ``classify`` decides the value with this label as its support.
        """
        if around.general and isinstance(row, Unreadable):
            otherwise = classify(around._replace(general=False))
            if isinstance(otherwise, Row):
                self._waiting.append((otherwise, row))
                return None
        return row

    def note(self, number: int, row: Row | Unreadable | None) -> None:
        """Record the result of a line."""
        if isinstance(row, Row):
            self.accepted = number
            self._lines[number] = True
        elif row and row.reason == "not-a-report":
            self.refused = number
            self._lines.setdefault(number, False)

    def end(self) -> Iterator[Row | Unreadable]:
        """Yield the waiting values: accepted if the nearest decided line has a value, else refused."""
        waiting, self._waiting = self._waiting, []
        lines, self._lines = self._lines, {}
        for row, refusal in waiting:
            nearest = min(lines, key=lambda number: abs(number - row.line), default=None)
            yield row if nearest is not None and lines[nearest] else refusal
