"""Mailboxes and telephone numbers of persons in free text and in URLs, in any spelling."""

import re
from collections.abc import Callable, Iterator

import phonenumbers
from phonenumbers import Leniency, NumberParseException, PhoneNumber, PhoneNumberMatcher, PhoneNumberType

from schemas.reference.numbers import has_card

IsOwn = Callable[[str], bool]

_MAILBOX = re.compile(
    r"(?<![\w.+@-])(?<!//)([^\W_][\w.%+-]{0,63})@((?:[^\W_](?:[\w-]{0,62})\.)+[^\W\d_]{2,24})(?![\w@])"
)
# A mailbox as the user part of a URL. The trick of https://bank.example@evil.example looks the same.
_USER_OF_URL = re.compile(r"(?<=//)([^\W_][\w.%+-]{0,63})@((?:[\w-]{1,63}\.)+[^\W\d_]{2,24})(?![\w@])")
_SPACED_MAILBOX = re.compile(
    r"(?<![\w.+@-])([^\W_][\w.%+-]{1,63})(?: {1,3}@ {1,3}| at )((?:[\w-]{1,63}\.)+[^\W\d_]{2,24})(?![\w@])",
    re.IGNORECASE,
)
_AT_AND_DOT_WORDS = re.compile(r" at .{1,80}? (?:dot|จุด|ดอท|ดอต) ", re.IGNORECASE)
_AT_IN_BRACKETS = re.compile(r"[\[({<|【〔] ?(?:@|at|ät|arroba|собака|แอท|แอต|แอ็ท) ?[\])}>|】〕]", re.IGNORECASE)
_LETTERS_AND_DIGITS = re.compile(r"[^\W\d_].*[\d._+]|[\d._+].*[^\W\d_]")
_ROLES = frozenset({"abuse", "postmaster", "hostmaster", "webmaster", "noc", "security", "cert", "csirt", "soc", "git"})
_FILE_ENDINGS = frozenset(
    {
        *("png", "jpg", "jpeg", "gif", "svg", "webp", "ico", "css", "js", "mjs", "html", "htm", "json", "xml", "pdf"),
        *("mp4", "woff", "ttf", "apk", "exe", "zip"),
    }
)
_FREE_MAIL = re.compile(
    r"(?:gmail|googlemail|hotmail|outlook|live|msn|yahoo|ymail|icloud|aol|gmx|protonmail|proton|mail|yandex|qq|163|126"
    r"|naver|daum|rediffmail|web|t-online)\.[a-z.]{2,8}",
    re.IGNORECASE,
)
# Telephone numbers have seven to fifteen digits (E.164).
_NUMBER = re.compile(r"(?<![\d\w.])\+?\(?\d(?:[\s().\-/]{0,3}\d){6,14}(?![\d\w])")
# The same with any separators between the digits.
_LOOSE_NUMBER = re.compile(r"(?<![\w.+])(?:\+ ?|00)?\(?\d(?:[ ().\-/|,*_~]{0,4}\d){6,14}(?!\w)")
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
_MAX_TRIES = 500
_MAX_OCTET, _MAX_VERSION_PARTS = 255, 5

URL = re.compile(r"(?:https?|hxxps?|ftp)(?:\[?:\]?//)\S+", re.IGNORECASE)
# Links that begin a chat contain the scammer's own number.
_CHAT_LINK = re.compile(
    r"[a-z]+://(?:[\w.]*\.)?(?:wa\.me|whatsapp\.com|line\.me|viber\.com|t\.me)(?:[/?:]|$)", re.IGNORECASE
)
_URL_SEPARATORS = re.compile(r"[/?&=#;,:]+")
_URL_NUMBER = re.compile(r"\+?[\d\-. ()_]{7,30}")
# Words that sites put before their own numbers: story_fbid=…, /status/….
_SITE_NUMBER = re.compile(
    r"(?:\w*id|p|v|t|n|no|status|statuses|posts?|videos?|photos?|reel|permalink|groups?|pages?|profile\.php|item|items"
    r"|product|products|order|news|article|detail|ts|time|timestamp|_t|_|rnd|r|cb|ref|sku|set|fbclid|events?)",
    re.IGNORECASE,
)

# The title of a page with its number: post-4242424242424242.
_TITLE = re.compile(r"(?!(?:card|cc|pan|credit|debit))[a-z][\w-]*-\d+", re.IGNORECASE)


def may_be_mailed(text: str) -> bool:
    """Return, quickly, whether a text may contain a mailbox, with ``@`` as a sign, in brackets or as a word."""
    return "@" in text or _AT_IN_BRACKETS.search(text) is not None or _AT_AND_DOT_WORDS.search(text) is not None


def has_mailbox(text: str, refanged: str, is_own: IsOwn) -> bool:
    """Return whether a text has a person's mailbox; ``refanged`` is the text without defanging."""
    for plain in (text, refanged) if refanged != text else (text,):
        if any(_is_personal_mailbox(match, is_own) for match in _MAILBOX.finditer(plain)):
            return True
        if any(_FREE_MAIL.fullmatch(match[2]) and not is_own(match[0]) for match in _USER_OF_URL.finditer(plain)):
            return True
    in_words = _AT_AND_DOT_WORDS.search(text) is not None
    found = (match for match in _SPACED_MAILBOX.finditer(refanged) if in_words or "@" in match[0])
    return any(_is_spelled_out(match, is_own) for match in found)


def has_number(text: str, regions: tuple[str, ...], is_own: IsOwn) -> bool:
    """Return whether a text has a person's telephone number: an international one, or a national one of ``regions``."""
    found: list[PhoneNumber] = []
    if _NUMBER.search(text):
        matches = list(PhoneNumberMatcher(text, None, leniency=Leniency.VALID, max_tries=_MAX_TRIES))
        for region in regions:
            national = PhoneNumberMatcher(text, region, leniency=Leniency.STRICT_GROUPING, max_tries=_MAX_TRIES)
            # Without the 0, all digits of that length would be a number.
            matches += [match for match in national if match.raw_string.startswith(("0", "(0"))]
        found += [match.number for match in matches]
    found += _loose_numbers(text, regions)
    return any(_is_personal_number(number, is_own) for number in found)


def _is_number(digits: str, regions: tuple[str, ...], is_own: IsOwn) -> bool:
    """Return whether digits, after ``+`` or 0, are a person's telephone number."""
    return any(_is_personal_number(number, is_own) for number in _parse(digits, regions))


def _is_personal_mailbox(match: re.Match[str], is_own: IsOwn) -> bool:
    last = match[2].rpartition(".")[2].lower()
    return match[1].lower() not in _ROLES and last not in _FILE_ENDINGS and not is_own(match[0])


def _is_spelled_out(match: re.Match[str], is_own: IsOwn) -> bool:
    """Return whether words around a sign or "at" are a mailbox, and not a phrase such as "look at example.com"."""
    is_name = _LETTERS_AND_DIGITS.search(match[1]) is not None or _FREE_MAIL.fullmatch(match[2]) is not None
    return is_name and match[1].lower() not in _ROLES and not is_own(f"{match[1]}@{match[2]}")


def _loose_numbers(text: str, regions: tuple[str, ...]) -> Iterator[PhoneNumber]:
    for match in _LOOSE_NUMBER.finditer(text):
        if match[0].lstrip("(")[0] not in "+0":
            continue
        groups = _GROUPS.findall(match[0])
        if not (_is_date(groups) or _is_ip_or_version(match[0], groups)):
            yield from _parse(("+" if match[0][0] == "+" else "") + "".join(groups), regions)


def _parse(written: str, regions: tuple[str, ...]) -> Iterator[PhoneNumber]:
    """Yield the valid numbers that digits can be: international (``+``), or national mobile numbers of ``regions``."""
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


def _is_ip_or_version(written: str, groups: list[str]) -> bool:
    """Return whether groups of digits are an IP address or a version number."""
    if len(groups) > _MAX_VERSION_PARTS or set(_NOT_DIGITS.findall(written)) != {"."}:
        return False
    return all(int(group) <= _MAX_OCTET for group in groups[:4])


def _is_personal_number(number: PhoneNumber, is_own: IsOwn) -> bool:
    national = str(number.national_number)
    if is_own(f"{number.country_code}{national}") or is_own(national):
        return False
    return phonenumbers.number_type(number) not in _BUSINESS


def url_has_card(url: str) -> bool:
    """Return whether a URL contains a payment card number, encoded or split in any way."""
    parts = _URL_SEPARATORS.split(url)[1:]
    before = ["", *parts]
    return has_card("/".join(part for name, part in zip(before, parts, strict=False) if not _is_of_site(name, part)))


def _is_of_site(name: str, part: str) -> bool:
    """Return whether a part of a URL is one of the site's own numbers, judging by the word before it."""
    return (part.isdecimal() and _SITE_NUMBER.fullmatch(name) is not None) or _TITLE.fullmatch(part) is not None


def url_has_number(url: str, regions: tuple[str, ...], is_own: IsOwn) -> bool:
    """Return whether a URL has a person's telephone number."""
    if _CHAT_LINK.match(url):
        return False
    for part in _URL_SEPARATORS.split(url)[2:]:
        if part[:1] in ("+", "0", "(", " ") and _URL_NUMBER.fullmatch(part.strip()):
            written = ("+" if part.lstrip()[:1] == "+" else "") + _NOT_DIGITS.sub("", part)
            if _is_number(written, regions, is_own):
                return True
    return False
