"""Accounts on social platforms and messengers: by the handle that people see, or the platform's own number."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar

from schemas.errors import Rejected
from schemas.kind import NO_DETAILS, Kind, Normal
from schemas.reference import telephone
from schemas.reference.hosts import LONGEST_URL, looks_like_address
from schemas.reference.numbers import refuse_card_in
from schemas.reference.sites import PLATFORMS, Site, SiteMatch
from schemas.text import ascii_digits
from schemas.vocabulary import Action

# "Telegram: example", "LINE ID: example", "LINE ID example", "add line example", "ไอดีไลน์ example", "แอดไลน์ example"
_LABELLED = re.compile(
    r"([^:：@/~]{1,40}?)\s*(?:[:：]\s*|\s(?=[@~+\d])|(?<=[ก-๛])\s+(?=[\w@~])|(?<=[ก-๛])(?=[@~])|(?<=\bid)\s+(?=[\w@~]))(\S.*)",
    re.IGNORECASE,
)
_ADDED = re.compile(r"((?:add|ไอดี|แอด)\s+[^\s:：@/~]{1,20})\s+(?=[\w@~])(\S+)", re.IGNORECASE)
# Without a colon a word in front has to announce an account, else "Facebook 2024" would be one.
_ANNOUNCES_ACCOUNT = re.compile(
    r"(?:add|ไอดี|แอด)\s|[^:@]{0,30}?(?:\bid\s+[\w~@]|[ก-๛]\s+[\w~@]|[ก-๛][@~]|\s[@~+])", re.IGNORECASE
)
_FEDIVERSE = re.compile(r"@[\w.-]+@[\w.-]+\.[a-z]{2,}", re.IGNORECASE)
_MAILBOX = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@.]+")
_NUMBER = re.compile(r"\+?[\d\s().-]{7,}")
_LOST_CASE = re.compile(r"(?:channel/)?uc[a-z0-9_-]{22}")


class SocialAccount(Kind):
    """An account, a page, a group or an invitation on a platform.

    The normal form is ``platform:handle``, without the @ and in lower case if the platform ignores case, or
    ``platform:id=number`` for the platform's own number. Pages, groups and invitations keep the word of their address
    that distinguishes them from persons (``reddit:r/example``, ``whatsapp:invite/…``); a messenger's telephone numbers
    are in E.164. Handle and number of one account are two values: only the platform knows that they belong together.
    """

    name: ClassVar[str] = "social-account"
    title: ClassVar[Mapping[str, str]] = {"en": "Social account", "th": "บัญชีโซเชียล"}
    time_to_live: ClassVar[timedelta] = timedelta(days=90)
    columns: ClassVar[Mapping[str, str]] = {
        "platform": "the platform of a handle that is given without its address (facebook, line, X, ไลน์)",
        "country": "ISO 3166-1 alpha-2 country of a messenger's number that is written without its country code",
    }
    account: ClassVar[bool] = True
    single_report_grade: ClassVar[Action] = Action.WARN

    def normalise(self, raw: str, given: Mapping[str, str] = NO_DETAILS) -> Normal:
        """Return platform and account. The address of a post gives its author, if it names one."""
        if len(raw) > LONGEST_URL:
            raise Rejected("handle-form", "far longer than any handle or address of a profile; give that alone")
        platform = _named(given["platform"]) if given.get("platform") else None
        if (found := PLATFORMS.read_address(raw)) is not None:
            _refuse_conflict(platform, found.site)
            if not found.name:
                raise _no_account(found.site)
            return _normal(found, given, international=True)
        text = unicodedata.normalize("NFC", raw).strip()
        if looks_like_address(text):
            return _normal(_of_any_host(platform, raw), given)
        if (platform_and_handle := _parted(text)) is not None:
            _refuse_conflict(platform, platform_and_handle[0])
            platform, text = platform_and_handle
        if platform is None:
            raise _without_platform(text)
        return _normal(_handle(platform, text, given), given)

    def recognises(self, raw: str) -> bool:
        """Return True if ``raw`` is the address of a profile, or names its platform in front."""
        if len(raw) > LONGEST_URL:
            return False
        if "/" in raw and PLATFORMS.is_own_page(raw):
            return True
        if _FEDIVERSE.fullmatch(raw):
            return True
        labelled = ":" in raw or "：" in raw or _ANNOUNCES_ACCOUNT.match(raw) is not None
        platform_and_handle = _parted(raw) if labelled and "//" not in raw else None
        return platform_and_handle is not None and PLATFORMS.read_name(*platform_and_handle) is not None


def _named(word: str) -> Site:
    """Return the platform that a column names. Raises ``Rejected`` with the known names."""
    if (platform := PLATFORMS.find(word)) is None:
        known = ", ".join(site.name for site in PLATFORMS.every)
        raise Rejected("platform-unknown", f"unknown platform; known are: {known}")
    return platform


def _parted(text: str) -> tuple[Site, str] | None:
    """Return the platform in front of a handle, and the handle; None if no platform is in front."""
    if _FEDIVERSE.fullmatch(text) and (fediverse := PLATFORMS.find("mastodon")):
        return fediverse, text
    for form in (_LABELLED, _ADDED):
        if (label := form.fullmatch(text)) and (platform := PLATFORMS.find(label[1])):
            return platform, label[2]
    return None


def _of_any_host(platform: Site | None, url: str) -> SiteMatch:
    """Return the account of an address whose host names no platform: one of the many hosts of a network."""
    if platform is not None and (found := PLATFORMS.read_address_on_own_host(platform, url)) is not None:
        return found
    raise Rejected(
        "not-a-platform",
        "the address is of no known platform: report it as a URL (url), or name the platform and give the handle",
    )


def _handle(platform: Site, text: str, given: Mapping[str, str]) -> SiteMatch:
    """Return the account that a handle or number names on the platform. Raises ``Rejected``."""
    found = PLATFORMS.read_name(platform, text) or PLATFORMS.read_name(platform, ascii_digits(text))
    if found is None or (found.phone and "id" in platform.groups and _may_be_an_id(found, given)):
        raise _no_handle(platform, text)
    return found


def _normal(found: SiteMatch, given: Mapping[str, str], *, international: bool = False) -> Normal:
    """Return the normal form; ``international`` numbers begin with their country code, with or without +."""
    name = found.name
    if not name.startswith("id="):  # a platform's own numbers are as long as a card's
        refuse_card_in(name)
    if found.phone:
        number = telephone.digits_of(found.phone) or found.phone
        if international and not number.startswith(("+", "0")):
            number = "+" + number
        name = telephone.e164(number, given.get("country", "") or found.site.country)
    return Normal(f"{found.site.name}:{name}")


def _may_be_an_id(found: SiteMatch, given: Mapping[str, str]) -> bool:
    """Return True if nothing shows whether a number is a telephone number or the platform's own."""
    return not (found.phone.startswith(("+", "0")) or given.get("country") or found.site.country)


def _refuse_conflict(column: Site | None, platform: Site) -> None:
    if column is not None and column is not platform:
        raise Rejected("platform-conflict", "the value names one platform and the platform column another; keep one")


def _no_account(platform: Site) -> Rejected:
    return Rejected(
        "not-an-account",
        f"this page of {platform.name} names no account (it is a post, a video, an advertisement, a short link, …): "
        "report it as a URL (url), or give the address of the profile",
    )


def _without_platform(text: str) -> Rejected:
    if likely := _likely(text):
        return Rejected("platform-missing", f"no platform is named, and this looks like {likely}")
    if _is_shown_name(text):
        return _shown_name()
    return Rejected(
        "platform-missing",
        "a handle alone is somebody else's on every other platform: name it (a platform column, or in front, as "
        "telegram:), or give the address of the profile",
    )


def _no_handle(platform: Site, text: str) -> Rejected:
    """Return the reason why ``text`` is not a handle on the platform, and a hint at its real kind."""
    if _LOST_CASE.fullmatch(text):
        return Rejected("handle-form", "the number of a channel, which has lost its capital letters: copy it again")
    if likely := _likely(text):
        return Rejected("handle-form", f"no handle on {platform.name}; this looks like {likely}")
    if _is_shown_name(text):
        return _shown_name()
    if text.lstrip("@").isdecimal():
        return Rejected(
            "handle-form",
            f"a number alone is no handle on {platform.name}: write a telephone number with its +, and the platform's "
            "own number of an account behind id=",
        )
    return Rejected("handle-form", f"not a handle by the rules of {platform.name}; copy it from the profile's address")


def _likely(text: str) -> str:
    if _MAILBOX.fullmatch(text):
        return "an e-mail address; report it as one (email)"
    if _NUMBER.fullmatch(text) and text.startswith(("+", "0")):
        return "a telephone number; report it as one (phone)"
    return ""


def _is_shown_name(text: str) -> bool:
    return " " in text or not text.isascii()


def _shown_name() -> Rejected:
    return Rejected(
        "display-name",
        "a name that an account shows is no identifier, many have the same: give its handle or the profile's address",
    )
