"""Mailboxes and telephone numbers of persons in free text and in URLs, in any spelling."""

import re
from collections.abc import Callable, Iterator

import phonenumbers
from phonenumbers import Leniency, NumberParseException, PhoneNumber, PhoneNumberMatcher, PhoneNumberType

from schemas.reference.numbers import is_card

Own = Callable[[str], bool]

_MAILBOX = re.compile(
    r"(?<![\w.+@-])(?<!//)([^\W_][\w.%+-]{0,63})@((?:[^\W_](?:[\w-]{0,62})\.)+[^\W\d_]{2,24})(?![\w@])"
)
# A mailbox in the place of a user of an address: the trick of https://bank.example@evil.example has it too.
_USER_OF_ADDRESS = re.compile(r"(?<=//)([^\W_][\w.%+-]{0,63})@((?:[\w-]{1,63}\.)+[^\W\d_]{2,24})(?![\w@])")
_APART = re.compile(
    r"(?<![\w.+@-])([^\W_][\w.%+-]{1,63})(?: {1,3}@ {1,3}| at )((?:[\w-]{1,63}\.)+[^\W\d_]{2,24})(?![\w@])",
    re.IGNORECASE,
)
_WORDS = re.compile(r" at .{1,80}? (?:dot|จุด|ดอท|ดอต) ", re.IGNORECASE)
_IN_BRACKETS = re.compile(r"[\[({<|【〔] ?(?:@|at|ät|arroba|собака|แอท|แอต|แอ็ท) ?[\])}>|】〕]", re.IGNORECASE)
_NAMED = re.compile(r"[^\W\d_].*[\d._+]|[\d._+].*[^\W\d_]")
_ROLES = frozenset({"abuse", "postmaster", "hostmaster", "webmaster", "noc", "security", "cert", "csirt", "soc", "git"})
_FILES = frozenset("png jpg jpeg gif svg webp ico css js mjs html htm json xml pdf mp4 woff ttf apk exe zip".split())  # noqa: SIM905
_FREE = re.compile(
    r"(?:gmail|googlemail|hotmail|outlook|live|msn|yahoo|ymail|icloud|aol|gmx|protonmail|proton|mail|yandex|qq|163|126"
    r"|naver|daum|rediffmail|web|t-online)\.[a-z.]{2,8}",
    re.IGNORECASE,
)
# Seven digits to fifteen, as telephone numbers have (E.164).
_LIKE_A_NUMBER = re.compile(r"(?<![\d\w.])\+?\(?\d(?:[\s().\-/]{0,3}\d){6,14}(?![\d\w])")
# The same, however its digits are apart.
_LOOSE = re.compile(r"(?<![\w.+])(?:\+ ?|00)?\(?\d(?:[ ().\-/|,*_~]{0,4}\d){6,14}(?!\w)")
_GROUPS = re.compile(r"\d+")
_YEAR = re.compile(r"(?:19|20|25)\d\d")
_NOT_DIGITS = re.compile(r"\D")
_BUSINESS = {
    PhoneNumberType.TOLL_FREE,
    PhoneNumberType.PREMIUM_RATE,
    PhoneNumberType.SHARED_COST,
    PhoneNumberType.UAN,
}
_MOBILE = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}
_TRIES = 500
_MOST_OF_AN_OCTET, _MOST_PARTS = 255, 5


def may_be_mailed(text: str) -> bool:
    """Tell, quickly, whether a text of ASCII may have a mailbox in it, its sign written out or in brackets."""
    return "@" in text or _IN_BRACKETS.search(text) is not None or _WORDS.search(text) is not None


def has_mailbox(text: str, refanged: str, is_own: Own) -> bool:
    """Tell whether a person's mailbox stands in a text; ``refanged`` is the same without defanging."""
    for plain in (text, refanged) if refanged != text else (text,):
        if any(_is_a_persons(match, is_own) for match in _MAILBOX.finditer(plain)):
            return True
        if any(_FREE.fullmatch(match[2]) and not is_own(match[0]) for match in _USER_OF_ADDRESS.finditer(plain)):
            return True
    in_words = _WORDS.search(text) is not None
    found = (match for match in _APART.finditer(refanged) if in_words or "@" in match[0])
    return any(_is_spelled_out(match, is_own) for match in found)


def has_number(text: str, regions: tuple[str, ...], is_own: Own) -> bool:
    """Tell whether a person's telephone number stands in a text: an international one, or one of these countries."""
    found: list[PhoneNumber] = []
    if _LIKE_A_NUMBER.search(text):
        matches = list(PhoneNumberMatcher(text, None, leniency=Leniency.VALID, max_tries=_TRIES))
        for region in regions:
            national = PhoneNumberMatcher(text, region, leniency=Leniency.STRICT_GROUPING, max_tries=_TRIES)
            # Without it, every row of digits of that length would be a number.
            matches += [match for match in national if match.raw_string.startswith(("0", "(0"))]
        found += [match.number for match in matches]
    found += _loosely_written(text, regions)
    return any(_is_somebodys(number, is_own) for number in found)


def is_number(digits: str, regions: tuple[str, ...], is_own: Own) -> bool:
    """Tell whether digits alone, with ``+`` or 0 in front, are a person's telephone number."""
    return any(_is_somebodys(number, is_own) for number in _read(digits, regions))


def _is_a_persons(match: re.Match[str], is_own: Own) -> bool:
    last = match[2].rpartition(".")[2].lower()
    return match[1].lower() not in _ROLES and last not in _FILES and not is_own(match[0])


def _is_spelled_out(match: re.Match[str], is_own: Own) -> bool:
    """Tell whether words around a sign are a mailbox; a name alone may go on to anything ("look at example.com")."""
    named = _NAMED.search(match[1]) is not None or _FREE.fullmatch(match[2]) is not None
    return named and match[1].lower() not in _ROLES and not is_own(f"{match[1]}@{match[2]}")


def _loosely_written(text: str, regions: tuple[str, ...]) -> Iterator[PhoneNumber]:
    for match in _LOOSE.finditer(text):
        if match[0].lstrip("(")[0] not in "+0":
            continue
        groups = _GROUPS.findall(match[0])
        if not (_is_date(groups) or _is_address(match[0], groups)):
            yield from _read(("+" if match[0][0] == "+" else "") + "".join(groups), regions)


def _read(written: str, regions: tuple[str, ...]) -> Iterator[PhoneNumber]:
    """Give the numbers that digits are: with ``+``, with 00 for one of these countries, or a mobile one of them."""
    for region in regions:
        international = written.startswith(("+", "00"))
        try:
            number = phonenumbers.parse("+" + written.lstrip("+0") if international else written, region)
        except NumberParseException:
            continue
        if not phonenumbers.is_valid_number(number):
            continue
        if written[0] == "+":
            yield number
            return
        code = phonenumbers.country_code_for_region(region)
        if number.country_code == code and phonenumbers.number_type(number) in _MOBILE and written[0] == "0":
            yield number


def _is_date(groups: list[str]) -> bool:
    return any(_YEAR.fullmatch(group) for group in groups) and all(len(group) <= 4 for group in groups)


def _is_address(written: str, groups: list[str]) -> bool:
    """Tell whether groups are those of an IP address, or of a version of something."""
    if len(groups) > _MOST_PARTS or set(_NOT_DIGITS.findall(written)) != {"."}:
        return False
    return all(int(group) <= _MOST_OF_AN_OCTET for group in groups[:4])


def _is_somebodys(number: PhoneNumber, is_own: Own) -> bool:
    national = str(number.national_number)
    if is_own(f"{number.country_code}{national}") or is_own(national):
        return False
    return phonenumbers.number_type(number) not in _BUSINESS


URL = re.compile(r"(?:https?|hxxps?|ftp)(?:\[?:\]?//)\S+", re.IGNORECASE)
# An address that begins a chat has a scammer's number, and nobody else's.
_CHATS = re.compile(
    r"[a-z]+://(?:[\w.]*\.)?(?:wa\.me|whatsapp\.com|line\.me|viber\.com|t\.me)(?:[/?:]|$)", re.IGNORECASE
)
_URL_SEPARATORS = re.compile(r"[/?&=#;,:]+")
_URL_NUMBER = re.compile(r"\+?[\d\-. ()_]{7,30}")
# What sites with numbers of their own call them, before the number: story_fbid=…, /status/….
_OF_THE_SITE = re.compile(
    r"(?:\w*id|p|v|t|n|no|status|statuses|posts?|videos?|photos?|reel|permalink|groups?|pages?|profile\.php|item|items"
    r"|product|products|order|news|article|detail|ts|time|timestamp|_t|_|rnd|r|cb|ref|sku|set|fbclid|events?)",
    re.IGNORECASE,
)
_CARD_LENGTHS = (15, 16)


def url_has_card(url: str) -> bool:
    """Tell whether a payment card's number stands in an address."""
    parts = _URL_SEPARATORS.split(url)[2:]
    for before, part in zip(["", *parts], parts, strict=False):
        number = _NOT_DIGITS.sub("", part)
        shaped = len(number) in _CARD_LENGTHS and _URL_NUMBER.fullmatch(part) and is_card(number)
        if shaped and _OF_THE_SITE.fullmatch(before) is None:
            return True
    return False


def url_has_number(url: str, regions: tuple[str, ...], is_own: Own) -> bool:
    """Tell whether a person's telephone number stands in an address."""
    if _CHATS.match(url):
        return False
    for part in _URL_SEPARATORS.split(url)[2:]:
        if part[:1] in ("+", "0", "(", " ") and _URL_NUMBER.fullmatch(part.strip()):
            written = ("+" if part.lstrip()[:1] == "+" else "") + _NOT_DIGITS.sub("", part)
            if is_number(written, regions, is_own):
                return True
    return False
