"""The parameters of Safe Browsing requests, as Google's clients write them."""

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, NoReturn

from server.features.safe_browsing.versions import PREFIX, HashVersions, SizeLimits
from server.web.api.routes import ApiCall
from server.web.taxii.errors import TaxiiError

MOST_PREFIXES = 1_000
MOST_NAMES = 32
LEAST_UPDATE = 1_024
FORMS = ("json", "proto")

# The parameters of the API, and others that clients send along.
_MOST_PARAMETERS = MOST_PREFIXES + 24
_MOST_NUMBER = 2**31 - 1
_TO_STANDARD = str.maketrans("-_ ", "+/+")


class GivenParameters(NamedTuple):
    """The parameters of a request, each with its values in order. Unknown ones are ignored."""

    values: dict[str, list[str]]

    @classmethod
    def of(cls, call: ApiCall) -> "GivenParameters":
        """Read the parameters of the URL. Raises ``TaxiiError``."""
        values: dict[str, list[str]] = {}
        for name, value in call.query(_MOST_PARAMETERS):
            values.setdefault(name, []).append(value)
        given = cls(values)
        given.form()
        return given

    def form(self) -> str:
        """Return the form of the answer: json, proto, or "" without a choice. Raises ``TaxiiError`` 422."""
        form = self._one("alt", "")
        if form not in ("", *FORMS):
            _refuse("alt", "unknown-form", f"alt: one of {', '.join(FORMS)}")
        return form

    def prefixes(self) -> list[bytes]:
        """Return the prefixes that are searched, each once. Raises ``TaxiiError`` 422."""
        given = self.values.get("hashPrefixes", [])
        if not 1 <= len(given) <= MOST_PREFIXES:
            _refuse("hashPrefixes", "list-length", f"hashPrefixes: send 1 to {MOST_PREFIXES:,} of them")
        found: dict[bytes, None] = {}
        for number, text in enumerate(given, 1):
            prefix = _octets(text)
            if prefix is None or len(prefix) != PREFIX:
                message = f"hashPrefixes: number {number} must be {PREFIX} bytes in base64, the first of a SHA-256"
                _refuse("hashPrefixes", "prefix-form", message)
            found[prefix] = None
        return list(found)

    def names(self) -> list[str]:
        """Return the names of several lists. Raises ``TaxiiError`` 422."""
        names = self.values.get("names", [])
        if not 1 <= len(names) <= MOST_NAMES:
            _refuse("names", "list-length", f"names: send 1 to {MOST_NAMES} of them")
        return names

    @staticmethod
    def refuse_repeated(names: Sequence[str], list_of: Callable[[str], object]) -> None:
        """Refuse names of which two have the same list. Raises ``TaxiiError`` 422."""
        seen: dict[object, str] = {}
        for name in names:
            found = list_of(name)
            if found in seen:
                _refuse("names", "repeated", f"names: {seen[found]} and {name} are one list; name it once")
            seen[found] = name

    def name(self) -> str:
        """Return the name of one list. Raises ``TaxiiError`` 422."""
        return self._one("name")

    def versions(self) -> list[bytes]:
        """Return the versions that the client has, at most one of each list. Raises ``TaxiiError`` 422."""
        found = []
        for text in self.values.get("version", []):
            version = _octets(text)
            if version is None:
                _refuse("version", "version-form", "version: send it as the hub sent it, in base64")
            found.append(version)
        return found

    @staticmethod
    def version_of(listed: HashVersions, versions: Iterable[bytes]) -> bytes:
        """Return the version of one list, b"" if the client has none. Raises ``TaxiiError`` 422 if it sent several."""
        of_list = {version for version in versions if listed.is_of(version)}
        if len(of_list) > 1:
            _refuse("version", "repeated", "version: send one of each list")
        return of_list.pop() if of_list else b""

    def limits(self) -> SizeLimits:
        """Return the client's limits. Raises ``TaxiiError`` 422."""
        update, database = self._number("maxUpdateEntries"), self._number("maxDatabaseEntries")
        if 0 < update < LEAST_UPDATE:
            name = "sizeConstraints.maxUpdateEntries"
            _refuse(name, "out-of-range", f"{name}: send at least {LEAST_UPDATE:,}, or 0 for no limit")
        return SizeLimits(update, database)

    def page(self, names: Sequence[str]) -> tuple[Sequence[str], str]:
        """Return the page of sorted names that is asked for, and the token of the next. Raises ``TaxiiError`` 422."""
        size, after = self._number("pageSize", ""), self._one("pageToken", "")
        rest = [name for name in names if name > after]
        page = rest[: size or None]
        return page, page[-1] if len(page) < len(rest) else ""

    def _number(self, name: str, within: str = "sizeConstraints.") -> int:
        text = self._one(within + name, "0")
        if not text.isascii() or not text.isdecimal() or len(text) > 10 or int(text) > _MOST_NUMBER:
            _refuse(within + name, "whole-number", f"{within}{name}: a whole number from 0 to {_MOST_NUMBER}")
        return int(text)

    def _one(self, name: str, missing: str | None = None) -> str:
        values = self.values.get(name, [] if missing is None else [missing])
        if len(values) != 1:
            _refuse(name, "list-length", f"{name}: send it once")
        return values[0]


def _octets(text: str) -> bytes | None:
    """Return the bytes of base64 in either alphabet, with or without its ends; None for another text."""
    bare = text.translate(_TO_STANDARD).rstrip("=")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _refuse(field: str, reason: str, message: str) -> NoReturn:
    raise TaxiiError("field-refused", field=field, reason=reason, message=message)
