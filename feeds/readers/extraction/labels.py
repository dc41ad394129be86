"""What headings, labels and the words before a value say of it: that it serves a scam, or that it is somebody's own."""

import re
import tomllib
from enum import Enum
from functools import cache
from importlib.resources import files


class Purpose(Enum):
    """What a place of a text is for.

    ``WORDS`` are for reading, ``VALUES`` a list of what serves a scam, ``TOLD`` what is told elsewhere, ``SOURCES``
    what the writer refers to. ``CONTACT`` is where readers find who wrote it or who helps, ``INNOCENT`` what belongs to
    those who are impersonated, to victims, or to providers that serve others too.
    """

    WORDS = "words"
    VALUES = "values"
    TOLD = "told"
    SOURCES = "sources"
    CONTACT = "contact"
    INNOCENT = "innocent"


@cache
def _vocabulary() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(files(__package__).joinpath("prose.toml").read_text(encoding="utf-8"))


def expression(idea: str) -> re.Pattern[str]:
    """Return an expression for any of the words by which texts say the ``idea`` (``prose.toml``)."""
    words = _vocabulary()[idea]
    whole = rf"(?<![^\W_])(?:{'|'.join(words['en'])})(?![^\W_])"
    return re.compile("|".join([whole, *(word for lang in ("th", "vi", "zh") for word in words.get(lang, ()))]), re.I)


SCAM, REAL, UNREAL = map(expression, ("scam", "real", "unreal"))
_IMPERSONATED, _OTHERS, _FILES, _DETAILS = map(expression, ("impersonated", "others", "files", "details"))
_VICTIM, _OF_VICTIM, _TO_VICTIM = map(expression, ("victim", "of_victim", "to_victim"))
_REPORT, _CONTACT, _SOURCES, _TOLD = map(expression, ("report", "contact", "sources", "told"))
_ADVICE, _VALUES, _HELPERS = map(expression, ("advice", "values", "helpers"))
CLOSING, SPEAKER = map(expression, ("closing", "speaker"))
_FROM_A_SOURCE = re.compile(
    r"\bsources? (?:ips?|address\w*|numbers?|domains?|hosts?|e-?mails?|accounts?)\b", re.IGNORECASE
)
_AND = re.compile(r"\s*(?:and|&|/|,|\+)", re.IGNORECASE)
_REALLY = re.compile(r"(?:the )?real(?: thing)?|legit|(?:ของ|อัน|ตัว)?(?:จริง|แท้)|thật|真的?", re.IGNORECASE)
_A_FEW = 4


def purpose_of(words: str, *, label: bool = False) -> Purpose | None:
    """Return what a heading, a label or the header of a column says is there, None where it says nothing.

    A ``label`` need not say of what kind the value behind it is: "Scammer: x".
    """
    scam, values = SCAM.search(words), _VALUES.search(words)
    if label and _REALLY.fullmatch(words.strip()):
        return Purpose.INNOCENT
    if _is_others(words, scam, values):
        return Purpose.INNOCENT
    if _OF_VICTIM.search(words) or _VICTIM.search(words):
        return Purpose.INNOCENT if is_victims(words) and not _of_both(words, scam, values) else Purpose.VALUES
    if _REPORT.search(words) and not _is_scams(words, _REPORT):
        return Purpose.CONTACT
    if _ADVICE.match(words) or (_ADVICE.search(words) and not (scam and values)):
        return Purpose.WORDS
    few = (
        (label or _DETAILS.search(words))
        and len(words.split()) <= _A_FEW
        and not _TOLD.search(words)
        and not _FILES.search(words)
    )
    if (scam and (values or few or _CONTACT.search(words))) or _FROM_A_SOURCE.search(words):
        return Purpose.VALUES
    if _SOURCES.search(words):
        return Purpose.SOURCES
    if _CONTACT.search(words):
        return Purpose.TOLD if values else Purpose.CONTACT
    if values:
        return Purpose.VALUES
    if _TOLD.search(words):
        return Purpose.TOLD if scam else Purpose.SOURCES
    return Purpose.WORDS if _FILES.search(words) else None


def _is_others(words: str, scam: re.Match[str] | None, values: re.Match[str] | None) -> bool:
    """Tell whether the words are for what is legitimate, impersonated, or a provider's; not "domains that …" it."""
    first = values.start() if values else len(words)
    if is_real(words):
        found = REAL.search(words)
        return not (scam and values and found and max(first, scam.start()) < found.start())
    if (named := _IMPERSONATED.search(words)) and not (scam and scam.start() < named.start()):
        return first >= named.start()
    served = _OTHERS.search(words)
    if served is None or first < served.start():
        return False
    rest = words[served.end() :]
    return not (_AND.match(rest) and _VALUES.search(rest))


def _of_both(words: str, scam: re.Match[str] | None, values: re.Match[str] | None) -> bool:
    return bool(scam and values and not _OF_VICTIM.search(words))


def is_real(words: str) -> bool:
    """Tell whether the words call something legitimate, and not what only looks so."""
    return any(
        UNREAL.search(words, max(0, found.start() - 60), found.start()) is None for found in REAL.finditer(words)
    )


def is_victims(words: str) -> bool:
    """Tell whether the words are for what is a victim's own."""
    if _OF_VICTIM.search(words):
        return True
    return _VICTIM.search(words) is not None and _TO_VICTIM.search(words) is None


def is_contact(words: str, *, surely: bool = False) -> bool:
    """Tell whether the words tell readers whom to ask or to report to; ``surely`` where no other contact is meant."""
    if surely:
        return _REPORT.search(words) is not None and not _is_scams(words, _REPORT)
    return (_REPORT.search(words) or _CONTACT.search(words)) is not None and not _is_scams(words, _REPORT)


def _is_scams(words: str, what: re.Pattern[str]) -> bool:
    """Tell whether ``what`` is the scam's: a fake hotline, the hotline of the scammers."""
    found = what.search(words)
    if found is None:
        return SCAM.search(words) is not None
    if not _HELPERS.search(words, found.start(), found.end()):
        return False
    return bool(
        UNREAL.search(words, max(0, found.start() - 12), found.end() + 5)
        or SCAM.search(words, max(0, found.start() - 25), found.start())
    )
