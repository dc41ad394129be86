"""Values as texts hide them: defanged (``hxxps``, ``[.]``), which is undone, or redacted, which is refused."""

import re
import unicodedata

from schemas.errors import Rejected
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

    ``hxxps[://]bad[.]example`` becomes ``https://bad.example``. Plain values and values of more than 8,192 characters
    are returned unchanged; the time is linear in the length. Double defanging (``bad[[.]]example``) is undone, but not
    triple. An unpaired surrogate becomes U+FFFD. Full-width characters become plain in a host or name, in a path only
    if the whole value is full-width. Other letters and digits stay: a homograph remains a homograph, and Thai digits
    may be part of a Thai name.
    """
    value = encodable(raw.strip())
    if len(value) > _LONGEST or _SUSPECT.search(value) is None:
        return value
    once = refang_once(value)
    return once if once == value or _SUSPECT.search(once) is None else refang_once(once)


def refang_text(text: str) -> str:
    """Return a text of many words with ``@`` and ``.`` in place of the brackets and words that stand for them."""
    text = _SLASHES.sub(lambda match: "/" if "slash" in match[0].lower() else match[1], " ".join(text.split()))
    return _DOT.sub(".", _AT.sub("@", _MARK.sub(r"\1", text)))


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


# Stands for each character that is hidden.
HIDDEN = "\ue000"

_HIDING, _HIDDEN_BY = r"[\[({<【〔（「［｛＜《]", r"[\])}>】〕）」］｝＞》]"
_INSIDE = r"[^\[\](){}<>【】〔〕（）「」［］｛｝＜＞《》\n]"
_HIDING_WORDS = (
    r"redact|remov|mask|censor|anonymi[sz]|obfuscat|omit|delet|withheld|hidden|snip|saniti[sz]|blurred|suppress|truncat|"
    r"blanked|scrubbed|edited out|not shown|cut\b|recipient|victim|"
    r"ปกปิด|ปิดบัง|เซ็นเซอร์|ลบออก|ลบข้อมูล|ซ่อน|ขอสงวน|ตัดออก|"
    r"đã ẩn|bị ẩn|ẩn đi|đã che|bị che|che đi|che mờ|đã x[oó]|lược bỏ|biên tập|"
    r"隐去|隐藏|删除|打码|屏蔽|脱敏|遮挡|略去|省略|隱藏|隱去|刪除|遮蔽|已略|伏せ字|削除|편집됨|삭제|비공개|"
    r"censurad|ocult|eliminad|omitid|masqu|supprim|zensiert|geschwärzt|entfernt|disensor|dihapus|disamarkan"
)
# A placeholder for a part that may be anything: the pages are at hxxps[:]//[domain]/login.
_TEMPLATE = (
    r"[\[<{](?!\s?(?:dot|d0t|punto|ponto|point|punkt|titik|at|arroba|colon|slash|s|tt)\b)[^\W\d_][\w -]{0,39}[\]>}]"
)
_BLOCKS = "\u2580-\u259f\u25a0\u25ae\u25fc\u25fe\u2b1b\u2b1c"
_HIDING_SIGNS = r"\u25cb\u25cf\u25ef\u2022\u00d7\u3007\u2217\u2731\uff0a\u2715\u2716"
# Characters in front of a part of a value, and behind one.
_AHEAD, _AFTER = r"[\w.@/:=&?%\])}-]", r"[\w.@/:=&?%\[({-]"
_NAMES = r"REMOVED|MASKED|CENSORED|ANONYMI[SZ]ED|HIDDEN|SNIP(?:PED)?"
# Not hidden: h**ps, words in **bold**.
_SHOWN = (
    r"(?P<shown>(?<![0-9A-Za-z])h\*\*ps?(?=\W)"
    r"|(?<![\w*])(?P<stars>\*{1,3})(?=[\w\[(<`@+])[^*\n]{1,300}(?<=[\w\])>`/…])(?P=stars)(?![\w*]))"
)
# Hidden whoever wrote it: [xxx], [information removed], signs in place of letters.
_SURE = (
    rf"{_HIDING} ?(?:[xX*#?_.-]{{2,}}|[…{_BLOCKS}{_HIDING_SIGNS}]+) ?{_HIDDEN_BY}"
    rf"|{_HIDING}{_INSIDE}{{0,40}}?(?i:{_HIDING_WORDS}){_INSIDE}{{0,40}}{_HIDDEN_BY}"
    rf"|[{_BLOCKS}](?:[{_BLOCKS} ]*[{_BLOCKS}])?"
    rf"|(?<={_AHEAD})[{_HIDING_SIGNS}]+|(?<!\S)[{_HIDING_SIGNS}]{{2,}}(?={_AFTER})"
    rf"|(?<={_AHEAD})\*+(?={_AFTER})|(?<![\w*])\*{{2,}}(?=[\w.@-]|\[\.\])"
)
# Hidden where people write for people: [domain] as a part of a name, REDACTED, dots for a middle that is left out.
_WRITTEN = (
    rf"(?<=[/@.]){_TEMPLATE}(?![(:])|(?<!\S){_TEMPLATE}(?=\.[\w\[<{{])"
    r"|(?<=[0-9A-Za-z/=&?%])…(?=[\w/.-])|(?<=[0-9A-Za-z])\.{2,}(?=[0-9A-Za-z])"
    r"|(?<=[.@\])}])\*{2,}(?=[\s,;)]|$)|[-_]{2,3}(?i:redacted|removed|masked)[-_]{2,3}"
    rf"|(?<![\w-])(?i:redacted)(?![\w-])|REDACTED|(?<![0-9A-Za-z])(?:{_NAMES})(?![0-9A-Za-z])"
)
_MARKS = re.compile(f"{_SHOWN}|{_SURE}|{_WRITTEN}")
_IN_A_VALUE = re.compile(f"{_SHOWN}|{_SURE}")
# Found in every line in which something is hidden.
_LIKELY = re.compile(
    rf"[\[({{<【〔（「［｛＜《{_BLOCKS}{_HIDING_SIGNS}…*]|\.\.|(?i:redacted)|{_NAMES}|{HIDDEN}",
)
# Digits of which some are hidden: 089-xxx-1234, 138****5678, XXX-X-X1234-X, DE89 **** **** 3000.
_ANY_DIGIT = rf"[0-9xX#?_*{_HIDING_SIGNS}{HIDDEN}]"
_PARTLY_HIDDEN = re.compile(
    rf"(?<![\w/=&?@%.{HIDDEN}-])(?:\+|\(|[A-Z]{{2}}(?=\d\d))?"
    rf"{_ANY_DIGIT}(?:[ ().-]{{0,2}}{_ANY_DIGIT}){{6,33}}(?![0-9A-Za-z])"
)
# Addresses of which only the beginning is shown: 0x5290840…
_SHORTENED = re.compile(
    r"(?<![0-9A-Za-z/=._-])(?:0x[0-9a-fA-F]{3,40}|(?=[A-Za-z]{0,12}[0-9])[0-9A-Za-z]{10,60})(?:…|\.{3,})(?![0-9A-Za-z])"
)
_HIDDEN_DIGIT = re.compile(_ANY_DIGIT.replace("0-9", ""))
_HIDDEN_RUN = re.compile(_ANY_DIGIT.replace("0-9", "") + "{3,}")
_DATE = re.compile(r"(?:19|20|25)\d\d[ .-][xX?]{2}(?:[ .-][xX?]{2})?|[xX?]{2}[ .-][xX?]{2}[ .-](?:19|20|25)\d\d")

# In a payment QR code, *** stands for a missing reference and hides nothing (EMVCo QRCPS-MPM, 62-05).
_QR, _NO_REFERENCE = "000201", "0503***"

REDACTED = (
    "redacted",
    "a part of the value is hidden, and the rest may be somebody else's: give the whole value, or leave it out",
)


def mark_hidden(text: str) -> str:
    """Return ``text``, as long as it is, with ``HIDDEN`` for each character that stands for hidden ones."""
    if _LIKELY.search(text) is None:
        return text
    return _MARKS.sub(lambda found: found[0] if found["shown"] else HIDDEN * len(found[0]), text.replace(HIDDEN, " "))


def hidden_numbers(marked: str) -> list[tuple[int, int]]:
    """Return where in a marked text numbers and addresses stand that are shown in part; in linear time."""
    found = [match.span() for match in _PARTLY_HIDDEN.finditer(marked) if _hides_digits(match[0])]
    return (
        [*found, *(match.span() for match in _SHORTENED.finditer(marked))]
        if "…" in marked or "..." in marked
        else found
    )


def refuse_hidden(value: str) -> None:
    """Refuse a value of which a part is hidden by words or signs in its place. Raises ``Rejected``."""
    if value.startswith(_QR):
        value = value.replace(_NO_REFERENCE, "")
    if _LIKELY.search(value) and any(not found["shown"] for found in _IN_A_VALUE.finditer(value)):
        raise Rejected(*REDACTED)


def _hides_digits(number: str) -> bool:
    digits = sum(map(str.isdigit, number))
    hidden = len(_HIDDEN_DIGIT.findall(number))
    if hidden < 3 or digits + hidden < 7 or _DATE.fullmatch(number):
        return False
    grouped = number.count("-") + number.count(" ") >= 2
    if digits < 2:
        return grouped and digits + hidden >= 9 and not set(number) <= set(" -_#?*().")
    return grouped or _HIDDEN_RUN.search(number) is not None
