"""Names of banks and account numbers that people write as one text."""

import re

from schemas.errors import Rejected

_LONGEST = 300

_WORDED = re.compile(r"(\D*?)(\d(?:[\d .\-/]*\d)?)(\D*)")
# Outside Thailand a number may have letters; groups of letters alone are words beside it.
_LETTERED = re.compile(r"[A-Za-z]*[./-]?\d[A-Za-z0-9]*(?:[ ./-]+[A-Za-z]*\d[A-Za-z0-9]*)*")
# A bank's code behind its name: KBANK (004).
_CODE = re.compile(r"[(\[]\s*(\d{3})\s*[)\]]")
_BETWEEN_NAMES = re.compile(
    r"\s*[()\[\]/|,]+\s*|\s+[-–]\s+|\s+(?=\d{3}$)|(?<=^\d{3})\s+"
    r"|(?<=[A-Za-z])\s+(?=[ก-๛])|(?<=[ก-๛])\s+(?=[A-Za-z])"
)
_LABELS = re.compile(
    r"เลขที่บัญชี|เลขบัญชี|หมายเลขบัญชี|บัญชี|เลขที่|\b(?:account|acct|acc|a/c|number|no)\b\.?|[:#,;|]|^[\s./-]+|[\s./-]+$",
    re.IGNORECASE,
)
# Thai accounts of ten digits are written 123-4-56789-0, as no other country's are.
_THAI_GROUPS = r"\d{3}[- ]\d[- ]\d{5}[- ]\d"
_GROUPED = re.compile(_THAI_GROUPS)
_CODED = re.compile(rf"(\d{{3}})[-/ ]({_THAI_GROUPS}|\d{{10}})")


def parted(text: str, country: str, *, alone: bool) -> tuple[str, str]:
    """Give the words and the number of ``text``; ``alone`` where nothing but these words can name the bank.

    ``country`` is that of a bank which the columns name, "" where they name none.
    """
    if len(text) > _LONGEST:
        raise Rejected("account-form", "far longer than a bank's name and a number; give these alone")
    if (coded := _CODED.fullmatch(text)) and (alone or _GROUPED.fullmatch(coded[2])):
        return coded[1], coded[2]
    if country not in ("", "TH") and _LETTERED.fullmatch(text):
        return "", text
    code = _CODE.search(text)
    if code and not any(char.isdigit() for char in text[: code.start()] + text[code.end() :]):
        return text, ""
    if code and any(char.isdigit() for char in text[code.end() :]):
        words, number = parted(_CODE.sub(" ", text, count=1).strip(), country, alone=alone)
        return f"{words} ({code[1]})".strip(), number
    if worded := _WORDED.fullmatch(text):
        return _LABELS.sub(" ", f"{worded[1]} {worded[3]}").strip(), worded[2]
    return ("", text) if any(char.isdigit() for char in text) else (text, "")


def names(text: str) -> list[str]:
    """Give the names of one bank that people write side by side: กสิกรไทย (KBANK), KBANK (004), 004 - KBANK."""
    return [name for name in _BETWEEN_NAMES.split(text) if name]


def is_grouped(text: str) -> bool:
    """Tell whether a number is written 123-4-56789-0, as Thai ones are."""
    return _GROUPED.fullmatch(text) is not None
