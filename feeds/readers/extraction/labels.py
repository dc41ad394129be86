"""The purpose of a place in a text, by its heading or label: values that serve a scam, sources, contacts, or others."""

import re
import tomllib
from enum import Enum
from functools import cache
from importlib.resources import files


class TextPurpose(Enum):
    """The purpose of a place in a text.

    ``WORDS`` are for reading; ``VALUES`` a list of values that serve a scam; ``NEWS`` other reports and articles;
    ``SOURCES`` references of the writer; ``CONTACT`` the contacts of the writer or of helpers; ``INNOCENT`` what
    belongs to impersonated organisations, to victims, or to providers with other customers too.
    """

    WORDS = "words"
    VALUES = "values"
    NEWS = "news"
    SOURCES = "sources"
    CONTACT = "contact"
    INNOCENT = "innocent"


@cache
def _vocabulary() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(files(__package__).joinpath("prose.toml").read_text(encoding="utf-8"))


def expression(idea: str) -> re.Pattern[str]:
    """Return an expression for the words of an ``idea`` in all languages (``prose.toml``)."""
    words = _vocabulary()[idea]
    whole = rf"(?<![^\W_])(?:{'|'.join(words['en'])})(?![^\W_])"
    return re.compile("|".join([whole, *(word for lang in ("th", "vi", "zh") for word in words.get(lang, ()))]), re.I)


SCAM, REAL, UNREAL = map(expression, ("scam", "real", "unreal"))
_IMPERSONATED, _OTHERS, _FILES, _DETAILS = map(expression, ("impersonated", "others", "files", "details"))
_VICTIM, _OF_VICTIM, _TO_VICTIM = map(expression, ("victim", "of_victim", "to_victim"))
_REPORT, _CONTACT, _SOURCES, _NEWS = map(expression, ("report", "contact", "sources", "news"))
_ADVICE, _VALUES, _HELPERS = map(expression, ("advice", "values", "helpers"))
CLOSING, SPEAKER = map(expression, ("closing", "speaker"))
_FROM_A_SOURCE = re.compile(
    r"\bsources? (?:ips?|address\w*|numbers?|domains?|hosts?|e-?mails?|accounts?)\b", re.IGNORECASE
)
_AND = re.compile(r"\s*(?:and|&|/|,|\+)", re.IGNORECASE)
_REALLY = re.compile(r"(?:the )?real(?: thing)?|legit|(?:ของ|อัน|ตัว)?(?:จริง|แท้)|thật|真的?", re.IGNORECASE)
_A_FEW = 4


def purpose_of(words: str, *, label: bool = False) -> TextPurpose | None:
    """Return the purpose that a heading, a label or the header of a column names, None where it names none.

    A ``label`` need not name the kind of the value behind it: "Scammer: x".
    """
    scam, values = SCAM.search(words), _VALUES.search(words)
    if (label and _REALLY.fullmatch(words.strip())) or _is_others(words, scam, values):
        return TextPurpose.INNOCENT
    if _OF_VICTIM.search(words) or _VICTIM.search(words):
        return TextPurpose.INNOCENT if is_victims(words) and not _of_both(words, scam, values) else TextPurpose.VALUES
    if is_contact(words, surely=True):
        return TextPurpose.CONTACT
    if _is_advice(words, with_values=bool(scam and values)):
        return TextPurpose.WORDS
    if scam and (values or _CONTACT.search(words) or _is_short(words, label=label)):
        return TextPurpose.VALUES
    return _purpose_without_scam(words, scam, values)


def _is_advice(words: str, *, with_values: bool) -> bool:
    return _ADVICE.match(words) is not None or (not with_values and _ADVICE.search(words) is not None)


def _is_short(words: str, *, label: bool) -> bool:
    """Return whether a few words name nothing but the scam, so that they need no word for its values."""
    few = (label or _DETAILS.search(words) is not None) and len(words.split()) <= _A_FEW
    return few and not _NEWS.search(words) and not _FILES.search(words)


def _purpose_without_scam(words: str, scam: re.Match[str] | None, values: re.Match[str] | None) -> TextPurpose | None:
    """Return the purpose of words that call no values or contacts a scam's."""
    if _FROM_A_SOURCE.search(words):
        return TextPurpose.VALUES
    if _SOURCES.search(words):
        return TextPurpose.SOURCES
    if _CONTACT.search(words):
        return TextPurpose.NEWS if values else TextPurpose.CONTACT
    if values:
        return TextPurpose.VALUES
    if _NEWS.search(words):
        return TextPurpose.NEWS if scam else TextPurpose.SOURCES
    return TextPurpose.WORDS if _FILES.search(words) else None


def _is_others(words: str, scam: re.Match[str] | None, values: re.Match[str] | None) -> bool:
    """Return whether the words introduce something legitimate, impersonated or a provider's, not "domains that …"."""
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
    """Return whether the words call something legitimate, and not something that only looks so."""
    return any(
        UNREAL.search(words, max(0, found.start() - 60), found.start()) is None for found in REAL.finditer(words)
    )


def is_victims(words: str) -> bool:
    """Return whether the words introduce something that belongs to a victim."""
    if _OF_VICTIM.search(words):
        return True
    return _VICTIM.search(words) is not None and _TO_VICTIM.search(words) is None


def is_contact(words: str, *, surely: bool = False) -> bool:
    """Return whether the words tell readers whom to contact; with ``surely``, whom to report to and nobody else."""
    if surely:
        return _REPORT.search(words) is not None and not _is_scams(words, _REPORT)
    return (_REPORT.search(words) or _CONTACT.search(words)) is not None and not _is_scams(words, _REPORT)


def _is_scams(words: str, what: re.Pattern[str]) -> bool:
    """Return whether ``what`` belongs to the scam: a fake hotline, the hotline of the scammers."""
    found = what.search(words)
    if found is None:
        return SCAM.search(words) is not None
    if not _HELPERS.search(words, found.start(), found.end()):
        return False
    return bool(
        UNREAL.search(words, max(0, found.start() - 12), found.end() + 5)
        or SCAM.search(words, max(0, found.start() - 25), found.start())
    )
