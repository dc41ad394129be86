"""Find values by the text that people type into a search: any spelling and easy variations find the value.

A search shows only values that the person may see, so a near spelling may find more of them. An act, such as a
retraction, uses exactly the readings of ``lookup.subjects``.
"""

import re
import unicodedata
from contextlib import suppress
from typing import NamedTuple

from schemas import kinds
from schemas.api.lookup import asked_readings
from schemas.errors import Rejected
from schemas.refang import refang
from schemas.text import ascii_digits
from server.release.query.lookup import asked_about
from server.store import value_index

# Fewer characters are the end of too many values.
LEAST_ENDING = 4
_SEPARATORS = re.compile(r"[\s().\-\u2010-\u2015]+")
_PORT = re.compile(r":\d{1,5}$")
_SCHEME = re.compile(r"^https?://", re.IGNORECASE)
_WEB = frozenset(("domain", "url", "ip"))


class TypedValue(NamedTuple):
    """The meaning of a text in a search: the names of values, and the end of one, "" if it is too short for that."""

    names: frozenset[str]
    ending: str

    @property
    def is_number(self) -> bool:
        """Return whether it has digits alone, which may be the end of any number."""
        return self.ending.isascii() and self.ending.isdecimal()


def typed_value(text: str, country: str = "") -> TypedValue:
    """Return the meaning of a text in a search; ``country`` is the default for numbers without a code of their own."""
    readings = set[tuple[str, str]]()
    with suppress(Rejected):
        readings.update((one.kind, one.normal) for one in asked_readings(text, None, {}, country))
    with suppress(Rejected):
        readings.update(asked_about(refang(text), country))
    names = {value_index.subject_of(*reading) for reading in readings}
    for kind, normal in readings:
        if kind in _WEB:
            names |= _names_of_addresses(normal)
    return TypedValue(frozenset(names), ending_of(text))


def ending_of(text: str) -> str:
    """Return the end of a value that a text may be: without separators, its digits in ASCII; "" if it is too short."""
    plain = _SEPARATORS.sub("", ascii_digits(unicodedata.normalize("NFKC", refang(text))))
    return plain if len(plain) >= LEAST_ENDING else ""


def _names_of_addresses(normal: str) -> set[str]:
    """Return the names of addresses that people regard as the same: other scheme, www, port, slash at the end."""
    rest = _SCHEME.sub("", normal)
    host, _, path = rest.partition("/")
    hosts = {host, host.removeprefix("www."), f"www.{host}", _PORT.sub("", host)}
    paths = {path, path.rstrip("/"), f"{path}/"} if path else {""}
    found = set[str]()
    for name in hosts:
        texts = [("url", f"{scheme}://{name}/{end}") for scheme in ("http", "https") for end in paths]
        if not path:
            texts += [("domain", name), ("ip", name)]
        for kind, value in texts:
            with suppress(Rejected):
                found.add(value_index.subject_of(kind, kinds.get(kind).normalise(value, {}).value))
    return found
