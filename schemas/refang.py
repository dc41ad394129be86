"""Undo the defanging of values in mails and reports (``hxxps``, ``[.]``)."""

import re
import unicodedata

from schemas.text import encodable

# A longer text is no value of any kind.
_LONGEST = 8192
# A value with none of these needs no work but trimming; most rows of most files have none.
_SUSPECT = re.compile(
    r"[^\x21-\x7e]|[\[\](){}<>\\|`\"']|h(?:xx|tx|xt|__|--|\*\*|##|\+\+)|meow:|fx+p:|&#|[,;]$", re.IGNORECASE
)

_INVISIBLE = dict.fromkeys(
    [
        *(*range(0x00, 0x20), *range(0x7F, 0xA0)),
        *(0xAD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), 0x2800, 0x3164),
        *(0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x2070)),
        *(*range(0xFE00, 0xFE10), 0xFEFF, 0xFFA0, *range(0xFFF9, 0xFFFC)),
        *(*range(0xE0000, 0xE0080), *range(0xE0100, 0xE01F0)),
    ]
)
# Joiners choose another form of a letter in the scripts of the Middle East and India, and do nothing elsewhere.
_JOINER = re.compile("(?<![\u0600-\u08ff\u0900-\u0dff])[\u200c\u200d]")
# Piles of marks on one letter, which no text has (UAX #15 §13), would take composing the square of their height.
_PILE = re.compile(r"[^\w\x00-\x7f]{31}")

_WIDE = {0xFF01 + place: chr(0x21 + place) for place in range(0x5E)}
_FULL_STOPS = dict.fromkeys([0x3002, 0xFF0E, 0xFF61, 0x2024, 0xFE52], ".")
_ALL_WIDE = _WIDE | _FULL_STOPS
# Wide characters that could hide a host in userinfo stay: slash, question mark, number sign, colon (/ ? # :).
_NAMES_WIDE = {code: plain for code, plain in _WIDE.items() if plain.isalnum() or plain in "-_[](){}"} | _FULL_STOPS
_ASCII_NAME = re.compile(r"[A-Za-z0-9]")
_WIDE_SCHEME = re.compile(r"^\W?[A-Za-z]{3,6} ?[:：] ?／／")
_WIDE_SLASHES = str.maketrans({"：": ":", "／": "/"})
_BEFORE_PATH = re.compile(r"(?:[A-Za-z]{2,6} ?[\[(]?:[\])]? ?//)?[^/?#]*")

_QUOTES = "\"'`<>“”„‟‘’‚‛«»‹›「」『』《》"
_OPEN, _CLOSE = r"[\[({<|【〔]", r"[\])}>|】〕]"
_STOP = r"(?:\.|dot|d0t|punto|ponto|point|punkt|titik|точка|点|點|จุด|ดอท|ดอต)"
_SIGN = r"(?:@|at|ät|arroba|собака|แอท|แอต|แอ็ท)"
_SCHEME = re.compile(
    r"^[^\w\[]*(\[?)(?:h(?:xx|tx|xt|xtt|txt|ttx|xxx|__|--|\*\*|##|\+\+|\[tt\]|\(tt\))p|meow|http(?=[\[(]s))(?:[\[(](s)[\])]|(s?))"
    r"(?= ?[\[({]? ?(?:[:/\\]|colon))",
    re.IGNORECASE,
)
# A link within a link, as in the query of a redirect.
_INNER_SCHEME = re.compile(r"(?<=[=/?&:#|,;])h(?:xx|tx|xt)p(s?)(?=:|%3a)", re.IGNORECASE)
_FTP = re.compile(r"^[^\w\[]*fx+p(?=\W)", re.IGNORECASE)
_COLON = re.compile(r" ?[\[({] ?(?::|colon) ?(//)? ?[\])}] ?", re.IGNORECASE)
_SLASHES = re.compile(r"[\[({] ?(//?|slash) ?[\])}]", re.IGNORECASE)
_MARK = re.compile(r"\[([?=_-])\]")
_SPACED_SCHEME = re.compile(r"^(https?) ?: ?// ?", re.IGNORECASE)
_DOT = re.compile(
    rf" ?{_OPEN} ?{_STOP} ?{_CLOSE} ?|\\\.| (?:dot|จุด|ดอท|ดอต) | \.(?!\.) ?|\[\.|\.\]|&#(?:46|x2e);", re.IGNORECASE
)
_AT = re.compile(rf" ?{_OPEN} ?{_SIGN} ?{_CLOSE} ?|&#(?:64|x40);", re.IGNORECASE)
_AT_WORD = re.compile(_SIGN, re.IGNORECASE)
_LABEL = re.compile(r"^\[(\[[^\[\]]+\]|[^\[\]]+)\]$")
# Characters of a sentence or list around a value: a pair of brackets, and signs behind it.
_IN_BRACKETS = re.compile(r"^\(([^()]+)\)[.,;]*$|^([^()]+)\)[.,;]*$")
_BEHIND = ",;，；、"


def refang(raw: str) -> str:
    """Return ``raw`` without defanging, quotes, invisible characters and outer white space.

    ``hxxps[://]bad[.]example`` becomes ``https://bad.example``. A plain value comes back unchanged, and so does one of
    more than 8,192 characters; the time is linear in the length. Defanging that was applied twice (``bad[[.]]example``)
    is undone, but no more. Half a surrogate pair becomes U+FFFD. Full-width characters become plain in a host or name,
    in a path only where the whole value is full-width. Other letters and digits stay: a homograph remains a homograph,
    and Thai digits may be part of a Thai name.
    """
    value = encodable(raw.strip())
    if len(value) > _LONGEST or _SUSPECT.search(value) is None:
        return value
    once = refang_once(value)
    return once if once == value or _SUSPECT.search(once) is None else refang_once(once)


def refang_text(text: str) -> str:
    """Return a text of many words with ``@`` and ``.`` in place of the brackets and words that stand for them."""
    return _DOT.sub(".", _AT.sub("@", _MARK.sub(r"\1", " ".join(text.split()))))


def refang_once(raw: str) -> str:
    """Undo one layer of defanging of a value of any length."""
    # Runs of blanks would cost the expressions below the square of their length.
    value = " ".join(_seen(raw).split()).rstrip(_BEHIND).strip(_QUOTES).rstrip(_BEHIND).strip()
    value = _SCHEME.sub(lambda match: match[1] + "http" + (match[2] or match[3]).lower(), value)
    value = _INNER_SCHEME.sub(lambda match: "http" + match[1].lower(), value)
    value = _FTP.sub("ftp", value)
    value = _COLON.sub(lambda match: ":" + (match[1] or ""), value)
    value = _SLASHES.sub(lambda match: "/" if "slash" in match[0].lower() else match[1], value)
    value = _SPACED_SCHEME.sub(r"\1://", value)
    value = _MARK.sub(r"\1", value)
    value = _DOT.sub(".", value)
    value = _mailbox(_AT.sub("@", value))
    if "[" in value:
        value = _LABEL.sub(r"\1", value).strip()
    if ")" in value[-4:]:
        value = _IN_BRACKETS.sub(lambda match: match[1] or match[2], value).strip()
    return value


def _seen(raw: str) -> str:
    """Return ``raw`` composed, without invisible characters, and plain where it is full-width."""
    if raw.isascii():
        return raw.translate(_INVISIBLE) if not raw.isprintable() else raw
    value = _JOINER.sub("", raw.translate(_INVISIBLE))
    if _PILE.search(value) is None:
        value = unicodedata.normalize("NFC", value)
    if _ASCII_NAME.search(value) is None:
        return value.translate(_ALL_WIDE)
    if _WIDE_SCHEME.match(value):
        value = value.translate(_WIDE_SLASHES)
    end = _end_of_host(value)
    head = value[:end].translate(_NAMES_WIDE)
    if "@" not in head and "//" not in head:
        head = head.replace("＠", "@")
    return head + value[end:]


def _end_of_host(value: str) -> int:
    match = _BEFORE_PATH.match(value)
    return match.end() if match else 0


def _mailbox(value: str) -> str:
    """Join a mailbox that was written with blanks around its sign, or with a word for it."""
    parts = value.split(" ")
    if len(parts) == 3 and "." in parts[2] and _AT_WORD.fullmatch(parts[1]):
        return f"{parts[0]}@{parts[2]}"
    if len(parts) == 2 and parts[0].endswith("@") and "." in parts[1]:
        return value.replace(" ", "")
    return value
