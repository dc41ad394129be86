"""The values that a text names, line by line: which of its words are indicators, and which are not."""

import re
from collections.abc import Iterator

from feeds.format import Row, Unreadable
from feeds.outline import Labelled, Outline, Place, meaning
from feeds.spotted import Spotted, spot, unread
from schemas import kinds, platforms
from schemas.chains.names import wanted
from schemas.errors import Rejected
from schemas.redaction import REDACTED

# Endings of files that are suffixes of domains too.
_FILES = re.compile(r"\.(?:md|sh|py|rs|pl|ps|so|zip|mov)$", re.IGNORECASE)
_LINK = re.compile(
    r"!?\[([^\[\]]{2,500})\]\(\s*<?([^\s()<>]{1,2000}(?:\([^\s()<>]*\)[^\s()<>]*)?)>?(?:\s+\"[^\"]*\")?\s*\)"
)
_CODE = re.compile(r"(?<!`)`{1,3}+([^`]{1,500})`")
_FENCE = re.compile(r"\s*(?:```|~~~)")
_RULER = re.compile(r"\s*\|?(?:\s*:?-{3,}:?\s*\|?)+\s*$")
_WORD = re.compile(r"(?<!\S)[(\"'“‘]*[^\W\d_]{2,}(?:['’-][^\W\d_]+)*[.,;:!?)\"'”’]*(?!\S)")
_HANDLE = re.compile(r"@[\w.]{3,64}")
# More words than this beside its values make a line a sentence.
_MOST_WORDS = 5
_KINDS = {"email": "email", "phone": "phone", "iban": "bank-account", "wallet": "wallet", "ip": "ip"}

_WITHOUT_CHECKSUM = frozenset({"solana"})

_SOURCE = ("not-a-report", "the text names this as a source or contact, not as part of a scam")
_INNOCENT = ("not-a-report", "the text names this as somebody's real one, or as one that serves others too")
_UNREAD = ("value-form", "this is defanged as a value is, and is none that can be read: write it out as one word")
_PLAIN = (
    "not-marked",
    "in a sentence a plain link, address or number may be anybody's: defang it (hxxp, [.], [at]), or list it under a "
    "heading such as Domains, Phone numbers or Indicators",
)


class Prose:
    """Reads a text line by line and gives the values in it; all other words are nothing.

    Defanged values are taken wherever they stand, and so are wallets and IBANs, which their checksums tell from
    words. Plain ones are taken where values are listed: below a heading or behind a label that says so, in a table,
    in code, or alone on a line. Below headings such as References nothing is taken.
    """

    def __init__(self) -> None:
        """Begin at the first line."""
        self._outline = Outline()
        self._code = False
        self._columns: list[Place | None] | None = None

    def rows(self, number: int, line: str) -> Iterator[Row | Unreadable]:
        """Give the values in the next line."""
        if _FENCE.match(line):
            self._code = not self._code
        elif line.lstrip().startswith("|") and not self._code:
            yield from self._of_table(number, line)
        else:
            self._columns = None
            if self._code or not self._outline.heading(line):
                yield from _of_text(number, self._outline.labelled(line), code=self._code)
            elif _spotted(line):
                yield from _of_text(number, Labelled(line, "", self._outline.place), code=False)

    def _of_table(self, number: int, line: str) -> Iterator[Row | Unreadable]:
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if self._columns is None:
            self._columns = [meaning(cell) for cell in cells]
            if not any(map(_spotted, cells)):
                return
        if _RULER.fullmatch(line):
            return
        here = self._outline.place
        for place, cell in enumerate(cells):
            said = self._columns[place] if place < len(self._columns) else None
            above = here if here in (Place.SOURCES, Place.INNOCENT) else said or Place.VALUES
            yield from _of_text(number, Labelled(cell, "", above), code=False)


def words(line: str) -> int:
    """Count the words of a line that are nothing but letters."""
    return len(_WORD.findall(line))


def _spotted(text: str) -> bool:
    return any(True for _ in spot(text))


def _of_text(number: int, line: Labelled, *, code: bool) -> Iterator[Row | Unreadable]:
    text = _LINK.sub(lambda link: link[1] if link[2] in link[1] else f"{link[1]} {link[2]} ", line.text)
    coded = {span.strip() for span in _CODE.findall(text)} | ({text.strip()} if code else set())
    found = list(spot(text))
    sentence = code or words(text) > _MOST_WORDS
    coin = _coin(line.label)
    for each in found:
        alone = each.raw in coded or (not _is_link(each) and each.raw == text.strip(" *_<>"))
        listed = alone or (line.place is Place.VALUES and not sentence)
        row = _judged(number, each, line.place, listed=listed)
        if isinstance(row, Row) and coin and row.fields.get("kind") == "wallet":
            row = Row(number, {**row.fields, "currency": coin})
        if row:
            yield row
    for token in unread(text, found):
        yield Unreadable.of(number, token, *_UNREAD)
    if not found and line.place is Place.VALUES and (site := platforms.named(line.label) if line.label else None):
        for handle in _HANDLE.findall(text)[:1]:
            yield Row(number, {"value": handle, "kind": "social-account", "platform": site.name})


def _judged(number: int, each: Spotted, place: Place, *, listed: bool) -> Row | Unreadable | None:
    """Take what was spotted or refuse it; None for a word that only looks like a value."""
    if not each.value:
        return Unreadable.of(number, each.raw, *REDACTED)
    sure = each.defanged or each.shape == "iban" or (each.shape == "wallet" and _is_wallet(each.value, listed=listed))
    if not sure and (
        each.shape == "wallet" or (each.shape in ("host", "ip") and not _is_listed_name(each, place, listed=listed))
    ):
        return None
    if place is Place.SOURCES:
        return Unreadable.of(number, each.raw, *_SOURCE)
    if place is Place.INNOCENT:
        return Unreadable.of(number, each.raw, *_INNOCENT)
    if not sure and not listed:
        return Unreadable.of(number, each.raw, *_PLAIN)
    kind = _KINDS.get(each.shape)
    written = each.raw if each.whole and each.shape != "iban" else each.value
    return Row(number, {"value": written} | ({"kind": kind} if kind else {}))


def _is_link(each: Spotted) -> bool:
    """Tell whether it is what writers put on a line of its own for their readers to open."""
    return each.shape in ("url", "email") or (each.shape == "host" and "/" in each.value)


def _coin(label: str) -> str:
    """Give the coin that a label names, nothing where it names none."""
    try:
        return label if label and wanted("", label) else ""
    except Rejected:
        return ""


def _is_listed_name(each: Spotted, place: Place, *, listed: bool) -> bool:
    """Tell whether a plain name or address stands where values are listed, and is no file's."""
    if not listed or each.shape == "ip":
        return listed
    name = each.value.partition("/")[0].partition("?")[0]
    return (place is Place.VALUES or _FILES.search(name) is None) and _is_known(each.value)


def _is_known(value: str) -> bool:
    return any(kind.recognises(value) for kind in kinds.every().values())


def _is_wallet(value: str, *, listed: bool) -> bool:
    """Tell whether ``value`` is an address by its checksum; where there is none, only among other values."""
    wallet = kinds.get("wallet")
    if not wallet.recognises(value):
        return False
    try:
        chain = wallet.normalise(value).details.get("chain", "")
    except Rejected:
        return listed
    return listed or chain not in _WITHOUT_CHECKSUM
