"""Redaction: find the places where a text hides a part of a value, as what remains is another value or none."""

import re

from schemas.errors import Rejected

# Stands for each character that is hidden.
HIDDEN = "\ue000"

_OPEN, _CLOSE = r"[\[({<【〔（「［｛＜《]", r"[\])}>】〕）」］｝＞》]"
_INSIDE = r"[^\[\](){}<>【】〔〕（）「」［］｛｝＜＞《》\n]"
_WORDS = (
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
_SIGNS = r"\u25cb\u25cf\u25ef\u2022\u00d7\u3007\u2217\u2731\uff0a\u2715\u2716"
# Characters in front of a part of a value, and behind one.
_BEFORE, _BEHIND = r"[\w.@/:=&?%\])}-]", r"[\w.@/:=&?%\[({-]"
_NAMES = r"REMOVED|MASKED|CENSORED|ANONYMI[SZ]ED|HIDDEN|SNIP(?:PED)?"
# Not hidden: h**ps, words in **bold**.
_SHOWN = (
    r"(?P<shown>(?<![0-9A-Za-z])h\*\*ps?(?=\W)"
    r"|(?<![\w*])(?P<stars>\*{1,3})(?=[\w\[(<`@+])[^*\n]{1,300}(?<=[\w\])>`/…])(?P=stars)(?![\w*]))"
)
# Hidden whoever wrote it: [xxx], [information removed], signs in place of letters.
_SURE = (
    rf"{_OPEN} ?(?:[xX*#?_.-]{{2,}}|[…{_BLOCKS}{_SIGNS}]+) ?{_CLOSE}"
    rf"|{_OPEN}{_INSIDE}{{0,40}}?(?i:{_WORDS}){_INSIDE}{{0,40}}{_CLOSE}"
    rf"|[{_BLOCKS}](?:[{_BLOCKS} ]*[{_BLOCKS}])?"
    rf"|(?<={_BEFORE})[{_SIGNS}]+|(?<!\S)[{_SIGNS}]{{2,}}(?={_BEHIND})"
    rf"|(?<={_BEFORE})\*+(?={_BEHIND})|(?<![\w*])\*{{2,}}(?=[\w.@-]|\[\.\])"
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
    rf"[\[({{<【〔（「［｛＜《{_BLOCKS}{_SIGNS}…*]|\.\.|(?i:redacted)|{_NAMES}|{HIDDEN}",
)
# Digits of which some are hidden: 089-xxx-1234, 138****5678, XXX-X-X1234-X, DE89 **** **** 3000.
_DIGIT = rf"[0-9xX#?_*{_SIGNS}{HIDDEN}]"
_NUMBER = re.compile(
    rf"(?<![\w/=&?@%.{HIDDEN}-])(?:\+|\(|[A-Z]{{2}}(?=\d\d))?{_DIGIT}(?:[ ().-]{{0,2}}{_DIGIT}){{6,33}}(?![0-9A-Za-z])"
)
# Addresses of which only the beginning is shown: 0x5290840…
_SHORTENED = re.compile(
    r"(?<![0-9A-Za-z/=._-])(?:0x[0-9a-fA-F]{3,40}|(?=[A-Za-z]{0,12}[0-9])[0-9A-Za-z]{10,60})(?:…|\.{3,})(?![0-9A-Za-z])"
)
_HIDDEN_DIGIT = re.compile(_DIGIT.replace("0-9", ""))
_HIDDEN_RUN = re.compile(_DIGIT.replace("0-9", "") + "{3,}")
_DATE = re.compile(r"(?:19|20|25)\d\d[ .-][xX?]{2}(?:[ .-][xX?]{2})?|[xX?]{2}[ .-][xX?]{2}[ .-](?:19|20|25)\d\d")

REDACTED = (
    "redacted",
    "a part of the value is hidden, and what is left may be somebody else's: give the whole value, or leave it out",
)


def mark(text: str) -> str:
    """Return ``text``, as long as it is, with ``HIDDEN`` for each character that stands for hidden ones."""
    if _LIKELY.search(text) is None:
        return text
    return _MARKS.sub(lambda found: found[0] if found["shown"] else HIDDEN * len(found[0]), text.replace(HIDDEN, " "))


def hidden_numbers(marked: str) -> list[tuple[int, int]]:
    """Return where in a marked text numbers and addresses stand that are shown in part; in linear time."""
    found = [match.span() for match in _NUMBER.finditer(marked) if _hides_digits(match[0])]
    return (
        [*found, *(match.span() for match in _SHORTENED.finditer(marked))]
        if "…" in marked or "..." in marked
        else found
    )


def refuse(value: str) -> None:
    """Refuse a value of which a part is hidden by words or signs in its place. Raises ``Rejected``."""
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
