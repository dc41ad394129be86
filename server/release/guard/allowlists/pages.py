"""Pages of a service that serves many: its start page, and pages that name no user, file or post of a user."""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

_START = re.compile(r"[/+.]*(?:(?:index|home|default|main)(?:\.\w{2,5})?)?[/.]*", re.IGNORECASE)
_PAGE_TYPE = re.compile(r"(?:\.[a-z]{2}(?:-[a-z]{2})?)?\.(?:s?html?|php\d?|aspx?|jspx?|do|cgi)$")
_LOCALE = re.compile(r"(?P<language>[a-z]{2,3})(?:[-_][a-z0-9]{2,4})?")
# The number of the account among those that a browser is logged in to: ``/u/0/``.
_BROWSER_ACCOUNT = re.compile(r"/u/\d(?=/|$)")
# Services whose paths are files of customers.
_STORAGE = re.compile(r"(?:object)?(?:s3|oss|cos|obs|blob|storage|files?)[.-]")
_LONGEST, _LONGEST_WORD = 300, 24
_MOST_PARAMETERS = 30


class _Table(NamedTuple):
    """The words of ``pages.toml``."""

    words: frozenset[str]
    before_names: frozenset[str]
    languages: frozenset[str]
    searches: frozenset[str]
    noise: frozenset[str]
    every_path_is_a_users: frozenset[str]
    ids: dict[str, frozenset[str]]
    pages: frozenset[str]


def is_start_page(path: str) -> bool:
    """Return True if the path of a URL names no page, or the start page by its file name."""
    return _START.fullmatch(unquote(path)) is not None


def is_storage(host: str) -> bool:
    """Return True if the paths of a host are files of customers, by the host's name."""
    return _STORAGE.match(host) is not None or host in _table().every_path_is_a_users


def is_page_of_platform(name: str) -> bool:
    """Return True if the name of an account is a word that a platform keeps for a page of its own (``index.php``)."""
    word = _PAGE_TYPE.sub("", name.lower())
    return word != "" and word in _table().words


def is_generic(host: str, path: str, query: str) -> bool:
    """Return True if a page of a shared ``host`` names nothing of a user; ``query`` begins with its ``?``."""
    if len(path) > _LONGEST:
        return False
    table = _table()
    plain = unquote(path) if "%" in path else path
    if "/u/" in plain:
        plain = _BROWSER_ACCOUNT.sub("", plain)
    parts = [_PAGE_TYPE.sub("", name) for part in plain.lower().split("/") if (name := part.strip(". "))]
    if any(len(part) > _LONGEST_WORD for part in parts):
        return False
    page = "/".join((host, *parts))
    if is_storage(host):
        return is_start_page(path) or page in table.pages
    if not (page in table.pages or page in table.ids or _all_words(parts)):
        return False
    return (parts != [] and parts[-1] in table.searches) or not _carries_id(table.ids.get(page), query)


def start_page_has_id(host: str, query: str) -> bool:
    """Return True if the start page of a host shows a user's file, by a parameter."""
    ids = _table().ids.get(host)
    return ids is not None and _carries_id(ids, query)


def _all_words(parts: list[str]) -> bool:
    table = _table()
    if not all(part in table.words or part in table.before_names or _is_locale(part) for part in parts):
        return False
    return table.before_names.isdisjoint(parts[:-1])


def _is_locale(part: str) -> bool:
    found = _LOCALE.fullmatch(part)
    return found is not None and found["language"] in _table().languages


def _carries_id(ids: frozenset[str] | None, query: str) -> bool:
    """Return True if a parameter of the query is an id."""
    noise = _table().noise
    try:
        names = [name.lower() for name, _ in parse_qsl(query.lstrip("?"), max_num_fields=_MOST_PARAMETERS)]
    except ValueError:
        return True
    return any(name in ids if ids else name not in noise for name in names)


@cache
def _table() -> _Table:
    raw = tomllib.loads(Path(__file__).with_name("pages.toml").read_text(encoding="utf-8"))
    ids = {page: frozenset(names.split()) for page, names in raw.pop("ids").items()}
    pages = frozenset(raw.pop("pages")["every"].split())
    return _Table(**{name: frozenset(words.split()) for name, words in raw.items()}, ids=ids, pages=pages)
