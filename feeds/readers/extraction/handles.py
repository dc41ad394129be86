"""Handles in running text: names of accounts on a platform that the words beside them name."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

from feeds.readers.extraction.cues import words_of
from schemas.reference.sites import PLATFORMS, Site

# A handle must not continue here: a truncated handle would be somebody else's (user#1234, @user@host, @user+tag).
_WHOLE = r"(?![\w-])(?![#@:/+~%&=$!*'’][A-Za-z0-9_])"
_HANDLE = re.compile(r"(?<![\w@.+-])@[A-Za-z0-9_][\w.-]{2,63}+" + _WHOLE, re.ASCII)
_TOKEN = re.compile(r"@?[A-Za-z0-9_][A-Za-z0-9_.-]{2,63}")
# A name without @ behind its platform has a digit, a dot or _ in it, or words such as "ID" before it.
_PLAIN = re.compile(
    r"(?!v?\d+[.\d]*(?![\w]))(?=[a-z]*[0-9._])(?=[0-9._]*[a-z])[A-Za-z0-9_][A-Za-z0-9_.-]{2,63}+" + _WHOLE
)
# Number of characters between a platform and a handle, and between a handle and a platform behind it.
_NEAR = 45
_BEHIND = 16


class HandleCandidate(NamedTuple):
    """A handle as written, its platform, and its position in the line."""

    raw: str
    platform: str
    start: int


@cache
def _named() -> re.Pattern[str]:
    """Return an expression for the platforms, as people write them in texts."""
    return re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(words_of('platform'))})(?![A-Za-z])", re.IGNORECASE)


@cache
def _inline() -> re.Pattern[str]:
    """Return an expression for a platform and a word such as "ID" before a name without @."""
    return re.compile(
        rf"(?<![A-Za-z0-9])(?P<platform>{'|'.join(words_of('platform'))})(?![A-Za-z])"
        rf"(?:[\u0e00-\u0e7f\s:：=]{{0,8}}(?P<id>{'|'.join(words_of('handle'))})[\s:：=]{{0,3}}"
        rf"(?P<name>[A-Za-z0-9_][A-Za-z0-9_.-]{{2,63}}+)|[\s:：=]{{1,3}}(?P<plain>{_PLAIN.pattern}))" + _WHOLE,
        re.IGNORECASE,
    )


@cache
def _ends_in_platform() -> re.Pattern[str]:
    return re.compile(
        rf"(?<![A-Za-z0-9])(?P<platform>{'|'.join(words_of('platform'))})[\s:：=(]{{0,3}}"
        rf"(?:(?:{'|'.join(words_of('handle'))})[\s:：=]{{0,3}})?$",
        re.IGNORECASE,
    )


def find_handles(text: str, label: str, heading: str, above: str = "") -> list[HandleCandidate]:
    """Return the handles of a line in which values of other kinds are blanked out.

    The platform is named near a handle, or is the only one in the line, or else in the lines ``above``.
    """

    def others() -> Site | None:
        return named or _only_site_in(text) or _only_site_in(heading) or _only_site_in(above)

    named = (_site(label) or _only_site_in(label)) if label else None
    if ("@" in text or _named().search(text)) and (found := _with_platform(text, cache(others))):
        return found
    plain = _TOKEN.fullmatch(text.strip()) if named and not text.strip().isdecimal() else None
    return [HandleCandidate(plain[0].rstrip(".-"), named.name, text.index(plain[0]))] if named and plain else []


def platform_before(before: str) -> str:
    """Return the platform directly before a name with dots, which may also be a site's, "" if there is none."""
    named = _ends_in_platform().search(before[-_NEAR:])
    return site.name if named and (site := _site(named["platform"])) else ""


def handle_columns(name: str, platform: str) -> dict[str, str]:
    """Return the columns of a handle."""
    return {"value": name, "kind": "social-account", "platform": platform}


def _with_platform(text: str, others: Callable[[], Site | None]) -> list[HandleCandidate]:
    """Return the handles with a platform beside them, and those with a sign of the platform of ``others``."""
    return sorted([*_without_sign(text), *_with_sign(text, others)], key=lambda handle: handle.start)


def _without_sign(text: str) -> Iterator[HandleCandidate]:
    """Yield the names without @ behind a platform."""
    for match in _inline().finditer(text):
        group = "name" if match["id"] else "plain"
        if (site := _site(match["platform"])) and not match[group].isdecimal():
            yield HandleCandidate(match[group].rstrip(".-"), site.name, match.start(group))


def _with_sign(text: str, others: Callable[[], Site | None]) -> Iterator[HandleCandidate]:
    """Yield the names with @; without a platform beside it, a name has that of the name that it is joined to."""
    last, previous = 0, None
    for match in _HANDLE.finditer(text):
        platform = _platform_beside(text, last, match)
        joined = bool(last) and not platform and text[last : match.start()].strip(" ,/&") in ("", "and", "และ")
        if site := _site(platform) or (previous if joined else None) or others():
            yield HandleCandidate(match[0].rstrip(".-"), site.name, match.start())
            last, previous = match.end(), site


def _platform_beside(text: str, last: int, handle: re.Match[str]) -> str:
    """Return the nearest platform before a handle and after the ``last`` one, else the one directly behind it."""
    named = [*_named().finditer(text[max(last, handle.start() - _NEAR) : handle.start()])]
    behind = _named().search(text[handle.end() : handle.end() + _BEHIND])
    return named[-1][0] if named else behind[0] if behind else ""


def _site(word: str) -> Site | None:
    return PLATFORMS.find(_SHORT.sub("", word)) if word else None


_SHORT = re.compile(r"@$| ?oa$| official(?: account)?$", re.IGNORECASE)


def _only_site_in(words: str) -> Site | None:
    """Return the only platform in a heading or label."""
    named = {site.name: site for match in _named().finditer(words) if (site := _site(match[0]))}
    return next(iter(named.values())) if len(named) == 1 else None
