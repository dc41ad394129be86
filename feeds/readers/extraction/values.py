"""Values in running text (domains, URLs, addresses, wallets, …), defanged or partly hidden, with their position."""

import re
from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from typing import NamedTuple, Protocol

from feeds.readers.extraction.lazy_pattern import LazyPattern
from schemas import kinds
from schemas.refang import HIDDEN, hidden_numbers, mark_hidden, refang
from schemas.reference import hosts
from schemas.reference.chains.memos import BEHIND as MEMO_BEHIND

_SPACED_DOT = r"[ ][\[({][ ]?(?:\.|dot|punto|จุด)[ ]?[\])}][ ]"
_DOT = rf"(?:{_SPACED_DOT}|[\[({{][ ]?(?:\.|dot|punto|จุด)[ ]?[\])}}]|\[\.|\.\]|\\\.|\.)"
_AT = r"(?:[ ][\[({][ ]?(?:@|at)[ ]?[\])}][ ]|[\[({][ ]?(?:@|at)[ ]?[\])}]|@)"
# A label has one script, so that a name ends at adjacent Thai words.
_LABEL = (
    rf"(?:[0-9A-Za-z_À-ÖØ-öø-ɏ{HIDDEN}-]{{1,150}}+"
    rf"|[\u0370-\u1fff\u3040-\ud7ff\uf900-\ufdff\U00010000-\U0003ffff{HIDDEN}]{{1,150}}+)"
)
_HOST = rf"{_LABEL}(?:{_DOT}{_LABEL}){{1,30}}+"
_SCHEME = r"(?:h(?:tt|xx|\*\*)ps?|htxps?|meows?|f[tx]ps?)"
_SLASHES = r"(?:[ ]?[\[({][ ]?(?::|colon)[ ]?(?://)?[ ]?[\])}][ ]?|:)(?:[\[({]?[/\\][\])}]?|[\[({]//[\])}]){0,2}+"
_USER = r"(?:[^\s/@<>\"'`|“”‘’«»]{1,200}+@)?"
_REST = r"(?:[/?#:@][^\s<>\"'`|“”‘’«»]*+)?"
_WORDS = LazyPattern(
    rf"(?P<url>{_SCHEME}{_SLASHES}{_USER}(?:{_HOST}|{HIDDEN}+){_REST})"
    rf"|(?<![\w.+@-])(?<!\w['’&!#$^`~])(?P<email>[A-Za-z0-9._%+{HIDDEN}-]{{1,150}}+{_AT}(?:{_HOST}|{HIDDEN}+))"
    r"|(?<![0-9A-Za-z])(?P<iban>(?-i:[A-Z]{2}[0-9]{2}(?:[ -]?[0-9A-Z]{4}){2,7}(?:[ -]?[0-9A-Z]{1,3})?))(?![0-9A-Za-z])"
    r"|(?<![\w+])(?P<phone>\+[1-9](?:[ ().-]{0,2}+[0-9]){6,14}+)(?![0-9A-Za-z_@])(?![ ().-]{0,2}[0-9])"
    r"|(?<![\w:.])(?P<ip6>(?:[0-9A-Fa-f]{0,4}(?:\[:\]|:)){2,7}[0-9A-Fa-f]{1,4})(?![\w:])"
    rf"|(?<![0-9A-Za-z_@%/.{HIDDEN}-])(?<![\u0370-\u058f])(?<!\.[\])}}])(?<!dot[\])}}])(?P<host>(?:\*?\.(?=[\w{HIDDEN}]))?{_HOST}(?![\u0370-\u058f])(?!\[?:\]?//)(?::[0-9]{{1,5}})?(?:[/?][^\s<>\"'`|“”‘’«»]*+)?)"
    rf"|(?<![0-9A-Za-z{HIDDEN}])(?P<wallet>(?:bitcoincash:|ecash:)?[0-9A-Za-z_-]{{25,120}}+|(?:0|-1):[0-9A-F]{{64}})(?![0-9A-Za-z{HIDDEN}])"
    # The visible rest of a partly hidden name, number or address.
    rf"|(?<![0-9A-Za-z_@%/.{HIDDEN}-])(?P<rest>[0-9A-Za-z_@:-]{{0,120}}+{HIDDEN}+[0-9A-Za-z_@:{HIDDEN}-]{{0,120}}+)",
    re.IGNORECASE,
)
_DEFANGED = re.compile(
    r"[\[({][ ]?(?:\.|dot|punto|จุด|@|at|:|colon|/)[ ]?(?://)?[ ]?[\])}]|\[\.|\.\]|\\\.|^(?:hxx|h\*\*|htx|meow|fx)p?",
    re.IGNORECASE,
)
# Defanging that occurs in no other word.
_DEFANGED_WORD = re.compile(r"\[\.\]|\[dot\]|\(dot\)|\bhxxps?\W", re.IGNORECASE)
# Letters of scripts without blanks between words, and signs that end clauses in them.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]")
_UNSPACED_SIGN = re.compile("[\u3001\u3002\uff0c\uff1b\uff1a\uff01\uff1f\uff08\uff09\u300c\u300d\u3010\u3011]")
_TAIL = ".,;:!?*_'\"…。，"
_PAIRS = ("()", "[]", "{}")
_NUMBERS = re.compile(r"[0-9.]+(?::[0-9]+)?$")
_SUFFIX = re.compile(r"\.(?:xn--[0-9a-z-]+|[^\W\d_][^\s.]*[^\W_]|[^\x00-\x7f]+)$", re.IGNORECASE)
_BY_LABEL = frozenset({"host", "url", "email"})
# A path; dots after it are left out, and after a host they end a sentence.
_PATH = re.compile(r"[^/:\\\]})][/\\][^/\\]")
_HEX = re.compile(r"[0-9a-fA-F]+")
_DIGESTS = frozenset({32, 40, 56, 64, 96, 128})


class Candidate(NamedTuple):
    """Text in the shape of a value: as written (``raw``), without defanging (``value``), and whether it was defanged.

    If a part is hidden, ``whole`` is false, and ``value`` is the remaining name or "".
    """

    raw: str
    value: str
    shape: str
    defanged: bool
    whole: bool = True
    start: int = 0


def find_candidates(text: str) -> Iterator[Candidate]:
    """Yield the parts of a line that look like values, in time linear in its length.

    Shapes are ``url``, ``email``, ``host`` (also with a path), ``ip``, ``phone``, ``iban``, ``wallet``, and ``rest``
    for the rest of a value whose name is hidden.
    """
    marked = mark_hidden(text)
    for start, end in (hidden := hidden_numbers(marked)):
        marked = marked[:start] + " " * (end - start) + marked[end:]
    found = [Candidate(text[start:end], "", "rest", False, False, start) for start, end in hidden]
    for match in _WORDS.finditer(marked):
        raw = _trimmed(_within_script(marked, match) if match["url"] or match["host"] else match[0])
        if match.lastgroup == "wallet" and (memo := MEMO_BEHIND.match(marked, match.end())):
            raw += memo[0]  # an exchange's customer: the address alone would accuse all its customers
        written = text[match.start() : match.start() + len(raw)]
        if match[0][len(raw) :].startswith(("…", "...")) and (_PATH.search(raw) or raw.endswith("/")):
            found.append(Candidate(written, "", "rest", _DEFANGED.search(raw) is not None, False, match.start()))
        elif candidate := _candidate(raw, written, match.lastgroup or "", match.start()):
            found.append(candidate)
    yield from sorted(found, key=lambda candidate: candidate.start) if hidden else found


class Placed(Protocol):
    """A part of a text: its position, and the text as written."""

    @property
    def start(self) -> int:
        """Return the place where it begins."""

    @property
    def raw(self) -> str:
        """Return its text."""


def blanked(text: str, found: Iterable[Placed]) -> str:
    """Return a text with blanks in place of the candidates."""
    for candidate in found:
        end = candidate.start + len(candidate.raw)
        text = text[: candidate.start] + " " * len(candidate.raw) + text[end:]
    return text


def unread_words(text: str, found: Iterable[Candidate]) -> Iterator[str]:
    """Yield the defanged words of a line that are part of no candidate."""
    if _DEFANGED_WORD.search(text) is None:
        return
    for word in blanked(text, found).split():
        if _DEFANGED_WORD.search(word) and any(char.isalnum() for char in word.replace("dot", "")):
            yield word.strip(_TAIL)


def _candidate(raw: str, written: str, shape: str, start: int) -> Candidate | None:
    defanged = _DEFANGED.search(raw) is not None
    if shape in _BY_LABEL and (labels := _hidden_labels(raw, shape)) is not None:
        name = _visible_name(labels)
        return Candidate(written, name, "host" if name else "rest", defanged, False, start)
    if HIDDEN in raw:
        seen = [char for char in raw if char.isalnum()]
        likely = raw.startswith("@") or (len(seen) > 3 and any(map(str.isdigit, seen)))
        return Candidate(written, "", "rest", False, False, start) if likely else None
    value = refang(raw)
    if shape in ("host", "ip6"):
        shape = _of_host(value)
    elif shape == "iban":
        value = _iban(value)
    elif shape == "wallet" and _is_digest(value):
        return None
    return Candidate(written, value, shape, defanged, True, start) if shape and value else None


def _of_host(value: str) -> str:
    """Return the shape of a host with or without a path: ``ip``, ``url`` or ``host``; "" if it is none of them."""
    name = re.split(r"[/?]", value, maxsplit=1)[0]
    if name.count(":") > 1 or _NUMBERS.match(name):
        try:
            ip_address(name if ":" in name and name.count(":") > 1 else name.partition(":")[0])
        except ValueError:
            return ""
        return "url" if "/" in value else "ip"
    return "host" if _SUFFIX.search(name.partition(":")[0]) else ""


def _iban(text: str) -> str:
    """Return the IBAN at the beginning of ``text``, which may continue with words in capitals."""
    while text and not kinds.get("bank-account").recognises(text):
        text = text.rpartition(" ")[0]
    return text


def _within_script(text: str, match: re.Match[str]) -> str:
    """Return a link without the words after it, if the text has no blanks between words and links.

    A sign of such a script ends a link anyway. A letter ends it only if one stands directly before the link.
    """
    raw = match[0]
    if raw.isascii():
        return raw
    end = _UNSPACED_SIGN.search(raw)
    if match.start() and _UNSPACED.match(text[match.start() - 1]) and (letter := _UNSPACED.search(raw)):
        return raw[: min(letter.start(), end.start() if end else len(raw))] if raw[: letter.start()].isascii() else raw
    return raw[: end.start()] if end else raw


def _trimmed(raw: str) -> str:
    """Cut off signs that end the sentence or close a bracket around the value."""
    end, open_ = len(raw), {pair: raw.count(pair[0]) - raw.count(pair[1]) for pair in _PAIRS}
    while end:
        last = raw[end - 1]
        pair = next((pair for pair in _PAIRS if pair[1] == last), None)
        if pair and open_[pair] < 0:
            open_[pair] += 1
        elif last not in _TAIL:
            break
        end -= 1
    return raw[:end]


def _is_digest(raw: str) -> bool:
    return len(raw) in _DIGESTS and _HEX.fullmatch(raw) is not None


_ANY_SCHEME = re.compile(r"[a-z*]{2,7}:[/\\]{0,2}", re.IGNORECASE)
_END_OF_HOST = re.compile(r"[/?#]|:\d")
# Labels that consist of x, or have many at one end, with which people hide a part; .xxx is a suffix.
_CROSSED = re.compile(r"(?P<whole>x{3,})|x{4,}.*|.*x{4,}", re.IGNORECASE | re.DOTALL)
_HIDDEN_NUMBERS = re.compile(
    rf"(?:\d{{1,3}}|[x*]{{1,3}}|{HIDDEN}+)(?:\.(?:\d{{1,3}}|[x*]{{1,3}}|{HIDDEN}+)){{3}}", re.IGNORECASE
)


def _hidden_labels(marked: str, shape: str) -> list[str] | None:
    """Return the labels of the host of a name, URL or mailbox, hidden ones as ``HIDDEN``; None if it is complete.

    There are no labels if more than the host's own is hidden, because the visible rest could mislead.
    """
    if not any(sign in marked for sign in (HIDDEN, "x", "X", "*")):
        return None
    text = refang(marked)
    if shape == "email":
        user, _, host = text.rpartition("@")
        return [] if HIDDEN in text or _CROSSED.fullmatch(user) or _crossed(host) else None
    host = _host_of(text)
    labels = host.removeprefix("*.").strip(".").split(".")
    if _HIDDEN_NUMBERS.fullmatch(".".join(labels)) and not all(map(str.isdigit, labels)):
        return []
    if HIDDEN not in text and not _crossed(host):
        return None
    user = text.partition("@")[0] if "@" in text else ""
    if HIDDEN in user or HIDDEN in text.replace(host, "", 1):
        return []
    return [*(_label(label) for label in labels[:-1]), labels[-1]]


def _visible_name(labels: list[str]) -> str:
    """Return the registrable domain after hidden labels, "" if it is hidden too."""
    last = max((place for place, label in enumerate(labels) if HIDDEN in label), default=0)
    if not labels or labels[last].strip(HIDDEN):
        return ""
    name = hosts.a_labels(".".join(labels[last + 1 :]).lower())
    return (hosts.registrable_domain(name) or "") if hosts.RESOLVABLE.fullmatch(name) else ""


def _host_of(text: str) -> str:
    rest = _ANY_SCHEME.sub("", text, count=1) if ":" in text[:8] else text
    end = _END_OF_HOST.search(rest)
    return (rest[: end.start()] if end else rest).rpartition("@")[2]


def _label(label: str) -> str:
    if crossed := _CROSSED.fullmatch(label):
        return HIDDEN if crossed["whole"] else HIDDEN + label
    return label


def _crossed(host: str) -> bool:
    return any(map(_CROSSED.fullmatch, host.split(".")[:-1]))
