"""Personal data in free text: text is normalised, then searched for numbers, mailboxes and names."""

import re
from functools import lru_cache, partial

from schemas.readings import decoded, normalised, without_accents
from schemas.refang import refang_text
from schemas.spoken import with_digits
from schemas.text import in_latin_letters
from server.release.guard.personal_data import contacts, documents, names, numbers

MAILBOX = "a person's e-mail address"
TELEPHONE = "a person's telephone number"
_PERSON_NAME = "a person's name"

_DIGIT = re.compile("[0-9]")
_DIGITS = re.compile(r"\d(?:[^A-Za-z0-9\n]{0,4}\d){6}")
_ENCODED = re.compile(r"(?<![A-Za-z0-9+/_-])(?=[A-Za-z]*[A-Z0-9])[A-Za-z0-9+/_-]{20,}={0,2}(?![A-Za-z0-9+/_=.-])")
# Ids, times and hashes have a form that a person's number cannot have. Most texts with digits are of this form.
_WITH_FORM = re.compile(
    r"(?:[a-z][a-z0-9-]{0,60}--)?[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    r"|[12]\d{3}-[01]\d-[0-3]\d[T ][0-2]\d:[0-5]\d:[0-6]\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:?\d\d)?"
    r"|(?=[0-9]*[a-f])(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})",
    re.ASCII,
)
_ID_IN_TEXT = re.compile(
    r"(?<![0-9A-Za-z])[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-8][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}"
    r"(?![0-9A-Za-z])"
)
# Words for digits are not written in the groups of a number, and some scripts write no blanks between words.
_BESIDE_DIGITS = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[\s,.-]{1,3}(?=\d)")
_BLANKS = re.compile(r"\s{4,}")
_LONGEST = 20_000
_SHORT = 200
_FEW = 6
_NOTHING: frozenset[str] = frozenset()


def may_contain_personal_data(text: str) -> bool:
    """Return, quickly, whether a text needs to be searched. Most texts do not."""
    return _may_contain_cached(text) if len(text) < _SHORT else _may_contain(text)


def find_personal_data(text: str, regions: tuple[str, ...], own: frozenset[str] = _NOTHING) -> str | None:
    """Return the sort of personal data that a text contains ("a person's name"), None if nothing is found.

    Telephone numbers of ``regions`` (countries) are found without their country code too. Values in ``own`` are allowed
    in the text.
    """
    return _search_cached(text, regions, own) if len(text) < _SHORT else _search(text, regions, own)


def _may_contain(text: str) -> bool:
    if len(text) > _LONGEST:
        return True  # search it in parts: normalising turns some characters into eighteen
    if _WITH_FORM.fullmatch(text):
        return False
    text = normalised(text)
    folded = text.lower()
    if contacts.may_be_mailed(text) or _DIGITS.search(text) is not None or _DIGITS.search(with_digits(folded)):
        return True
    if any(stem in folded for stem in names.STEMS):
        return True
    if not text.isascii() and any(stem in folded for stem in names.STEMS_BEYOND_ASCII):
        return True
    if _ENCODED.search(text) is not None:
        return True
    if _DIGIT.search(text) is None:
        return False
    return numbers.LETTERED.search(text.upper()) is not None or documents.may_have_number(text)


# Labels and descriptions are mostly the same in a batch.
_may_contain_cached = lru_cache(maxsize=4096)(_may_contain)


def _search(
    text: str, regions: tuple[str, ...], own: frozenset[str] = _NOTHING, *, is_part: bool = False, depth: int = 0
) -> str | None:
    """Search a text; ``depth`` is how often it was encoded.

    A very long text is searched in parts. ``is_part`` skips the slow searches: no text this long is published.
    """
    if len(text) > _LONGEST:
        return _search_parts(text, regions, own)
    plain = _BLANKS.sub("   ", normalised(text))
    bare = without_accents(plain)
    is_own = partial(_is_own_number, own)
    mailed = contacts.may_be_mailed(plain)
    if mailed and contacts.has_mailbox(bare, refang_text(bare), partial(_is_own_mailbox, own)):
        return MAILBOX
    for spelling in own:
        bare, plain = bare.replace(spelling, " "), plain.replace(spelling, " ")
    if (found := _search_urls(bare, regions, is_own)) is not None:
        return found
    # URLs contain numbers and words of all kinds, so only their own rules search them.
    bare, plain = (contacts.URL.sub(" ", version).replace("_", " ") for version in (bare, plain))
    found = _search_numbers(bare, regions, is_own, is_part=is_part)
    if found is None and (spoken := with_digits(lowered := plain.lower())) != lowered:
        spoken = _BESIDE_DIGITS.sub(" ", _BETWEEN_DIGITS.sub("", spoken))
        found = _search_numbers(spoken, regions, is_own, is_part=is_part)
    if found is None and names.has_name(plain):
        found = _PERSON_NAME
    if found is not None or is_part or depth:
        return found
    return _search_decoded(text, regions, own)


def _search_numbers(text: str, regions: tuple[str, ...], is_own: contacts.IsOwn, *, is_part: bool) -> str | None:
    """Return the sort of the first number of a person in a text without marks and URLs."""
    text = in_latin_letters(_ID_IN_TEXT.sub(" ", text))
    for what, number in numbers.find_numbers(text):
        if not is_own(number):
            return what
    if documents.has_number(text, is_own):
        return documents.DOCUMENT
    if not is_part and _DIGITS.search(text) and contacts.has_number(text, regions, is_own):
        return TELEPHONE
    return None


def _search_parts(text: str, regions: tuple[str, ...], own: frozenset[str]) -> str | None:
    parts = (text[start : start + _LONGEST] for start in range(0, len(text), _LONGEST - _SHORT))
    return next(filter(None, (_search(part, regions, own, is_part=True) for part in parts)), None)


def _search_decoded(text: str, regions: tuple[str, ...], own: frozenset[str]) -> str | None:
    return next(filter(None, (_search(inner, regions, own, depth=1) for inner in decoded(text))), None)


def _search_urls(text: str, regions: tuple[str, ...], is_own: contacts.IsOwn) -> str | None:
    for url in contacts.URL.findall(text):
        if contacts.url_has_card(url):
            return numbers.CARD
        if contacts.url_has_number(url, regions, is_own):
            return TELEPHONE
    return None


def _is_own_number(own: frozenset[str], number: str) -> bool:
    number = number.lower()
    return any(number in value or (len(value) >= _FEW and value in number) for value in own)


def _is_own_mailbox(own: frozenset[str], mailbox: str) -> bool:
    mailbox = mailbox.lower()
    return any(mailbox in value or ("@" in value and mailbox.endswith(value)) for value in own)


# Most searched texts occur in many objects of a batch.
_search_cached = lru_cache(maxsize=4096)(_search)
