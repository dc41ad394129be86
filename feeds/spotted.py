"""Values in running text: domains, addresses, accounts and numbers, defanged in any way, each where it stands."""

import re
from collections.abc import Iterator
from ipaddress import ip_address
from typing import NamedTuple

from schemas import kinds
from schemas.refang import refang

_DOT = r"(?:[ ]?[\[({][ ]?(?:\.|dot|punto|จุด)[ ]?[\])}][ ]?|\[\.|\.\]|\\\.|\.)"
_AT = r"(?:[ ]?[\[({][ ]?(?:@|at)[ ]?[\])}][ ]?|@)"
# A label is of one script, so that a name ends where Thai words begin that stand against it.
_LABEL = r"(?:[0-9A-Za-z_À-ÖØ-öø-ɏ-]{1,63}+|[\u0370-\u1fff\u3040-\ud7ff\uf900-\ufdff\U00010000-\U0003ffff]{1,63}+)"
_HOST = rf"{_LABEL}(?:{_DOT}{_LABEL}){{1,30}}+"
_SCHEME = r"(?:h(?:tt|xx|\*\*)ps?|htxps?|meows?|f[tx]ps?)"
_SLASHES = r"(?:[ ]?[\[({][ ]?(?::|colon)[ ]?(?://)?[ ]?[\])}][ ]?|:)(?:[\[({]?[/\\][\])}]?|[\[({]//[\])}]){0,2}+"
_USER = r"(?:[^\s/@<>\"'`|“”‘’«»]{1,200}+@)?"
_REST = r"(?:[/?#:@][^\s<>\"'`|“”‘’«»]*+)?"
_WORDS = re.compile(
    rf"(?P<url>{_SCHEME}{_SLASHES}{_USER}{_HOST}{_REST})"
    rf"|(?<![\w.+-])(?P<email>[A-Za-z0-9._%+-]{{1,64}}+{_AT}{_HOST})"
    r"|(?<![0-9A-Za-z])(?P<iban>(?-i:[A-Z]{2}[0-9]{2}(?:[ -]?[0-9A-Z]{4}){2,7}(?:[ -]?[0-9A-Z]{1,3})?))(?![0-9A-Za-z])"
    r"|(?<![\w+])(?P<phone>\+[1-9](?:[ ().-]{0,2}[0-9]){6,14})(?![0-9])"
    r"|(?<![\w:.])(?P<ip6>(?:[0-9A-Fa-f]{0,4}(?:\[:\]|:)){2,7}[0-9A-Fa-f]{1,4})(?![\w:])"
    rf"|(?<![0-9A-Za-z_@%/.-])(?P<host>{_HOST}(?::[0-9]{{1,5}})?(?:[/?][^\s<>\"'`|“”‘’«»]*+)?)"
    r"|(?<![0-9A-Za-z])(?P<wallet>(?:bitcoincash:|ecash:)?[0-9A-Za-z_-]{25,120}+)(?![0-9A-Za-z])",
    re.IGNORECASE,
)
_DEFANGED = re.compile(
    r"[\[({][ ]?(?:\.|dot|punto|จุด|@|at|:|colon|/)[ ]?(?://)?[ ]?[\])}]|\[\.|\.\]|\\\.|^(?:hxx|h\*\*|htx|meow|fx)p?",
    re.IGNORECASE,
)
_TAIL = ".,;:!?*_'\"…。，"
_PAIRS = ("()", "[]", "{}")
_NUMBERS = re.compile(r"[0-9.]+(?::[0-9]+)?$")
_SUFFIX = re.compile(r"\.(?:xn--[0-9a-z-]+|[^\W\d_][^\s.]*[^\W_]|[^\x00-\x7f]+)$", re.IGNORECASE)
_HEX = re.compile(r"[0-9a-fA-F]+")
_DIGESTS = frozenset({32, 40, 56, 64, 96, 128})


class Spotted(NamedTuple):
    """Something that has the shape of a value: as it is written, without defanging, and whether it was defanged."""

    raw: str
    value: str
    shape: str
    defanged: bool


def spot(text: str) -> Iterator[Spotted]:
    """Give what in a line looks like a value of some kind; the time is linear in its length.

    Shapes are ``url``, ``email``, ``host`` (which may have a path), ``ip``, ``phone``, ``iban`` and ``wallet``.
    """
    for match in _WORDS.finditer(text):
        shape = match.lastgroup or ""
        raw = _trimmed(match[0])
        value = refang(raw)
        if shape in ("host", "ip6"):
            shape = _of_host(value)
        elif shape == "iban":
            value, shape = _iban(value), "iban"
        elif shape == "wallet" and _is_digest(value):
            continue
        if shape and value:
            yield Spotted(raw, value, shape, _DEFANGED.search(raw) is not None)


def _of_host(value: str) -> str:
    """Tell an address from a name; nothing where the end of it can be neither."""
    name = re.split(r"[/?]", value, maxsplit=1)[0]
    if name.count(":") > 1 or _NUMBERS.match(name):
        try:
            ip_address(name if ":" in name and name.count(":") > 1 else name.partition(":")[0])
        except ValueError:
            return ""
        return "url" if "/" in value else "ip"
    return "host" if _SUFFIX.search(name.partition(":")[0]) else ""


def _iban(text: str) -> str:
    """Give the IBAN that ``text`` begins with; words in capitals behind it have its form."""
    while text and not kinds.get("bank-account").recognises(text):
        text = text.rpartition(" ")[0]
    return text


def _trimmed(raw: str) -> str:
    """Leave out what ends the sentence or closes a bracket around the value."""
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
