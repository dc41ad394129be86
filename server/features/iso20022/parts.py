"""Elements of a checked message, which remember the texts that were used, so that all others can be named."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Self
from xml.etree.ElementTree import Element

from schemas.payment import AGENT, PROPRIETARY, TEXT
from server.release.guard.personal_data.objects import could_be_personal_number

_CODE = re.compile(r"[A-Z0-9]{1,4}")
_AGENT, _TEXT = re.compile(AGENT), re.compile(TEXT)


def is_plain(text: str) -> bool:
    """Return whether a text can be stored: visible, and no number that could be a person's."""
    return len(text) <= 35 and _TEXT.fullmatch(text) is not None and not could_be_personal_number(text)


class MessagePart:
    """An element with its path. ``used`` are the elements whose texts were used, shared by all parts of a message."""

    def __init__(self, element: Element, path: str, used: set[int]) -> None:
        """Wrap an element at a path."""
        self._element = element
        self._used = used
        self.path = path

    @classmethod
    def root(cls, element: Element) -> Self:
        """Return the root of a message of which nothing is used."""
        return cls(element, "/Document", set())

    @property
    def raw(self) -> str:
        """Return the text, which does not count as used by that."""
        return self._element.text or ""

    @property
    def is_used(self) -> bool:
        """Return whether the text counts as used."""
        return id(self._element) in self._used

    def use(self) -> str:
        """Return the text, which counts as used from now on."""
        self._used.add(id(self._element))
        return self.raw

    def children(self) -> "Iterator[MessagePart]":
        """Yield the children, with numbers in the paths where several have one name."""
        names = [child.tag.rpartition("}")[2] for child in self._element]
        total, at = Counter(names), Counter[str]()
        for child, name in zip(self._element, names, strict=True):
            at[name] += 1
            number = f"[{at[name]}]" if total[name] > 1 else ""
            yield MessagePart(child, f"{self.path}/{name}{number}", self._used)

    def every(self, path: str) -> "list[MessagePart]":
        """Return all elements at a path below, as ``Undrlyg/TxInf``."""
        found = [self]
        for name in path.split("/"):
            found = [child for part in found for child in part._named(name)]
        return found

    def _named(self, name: str) -> "Iterator[MessagePart]":
        same = [child for child in self._element if child.tag.endswith("}" + name)]
        for number, child in enumerate(same, start=1):
            yield MessagePart(child, f"{self.path}/{name}" + (f"[{number}]" if len(same) > 1 else ""), self._used)

    def find(self, path: str) -> "MessagePart | None":
        """Return the first element at a path below."""
        return next(iter(self.every(path)), None)

    def text(self, path: str, fits: Callable[[str], bool] | None = None) -> str | None:
        """Return the text of an element below, which counts as used; None where it is missing or does not fit."""
        part = self.find(path)
        return None if part is None or (fits is not None and not fits(part.raw)) else part.use()

    def attribute(self, name: str) -> str:
        """Return a required attribute."""
        return self._element.attrib[name]

    def code(self, path: str) -> str | None:
        """Return a code, or the proprietary text in its place behind a prefix."""
        code = self.text(f"{path}/Cd", lambda text: _CODE.fullmatch(text) is not None)
        own = self.text(f"{path}/Prtry", is_plain)
        return code or (None if own is None else f"{PROPRIETARY}{own}")

    def agent(self, path: str, only: str | None = None) -> str | None:
        """Return an agent by BIC, by clearing code and number, or both; None without either.

        It counts as used, unless it is another one than ``only``.
        """
        names = ("BICFI", "ClrSysMmbId/ClrSysId/Cd", "ClrSysMmbId/MmbId")
        bic, system, member = (self.find(f"{path}/FinInstnId/{name}") for name in names)
        clearing = f"{system.raw}:{member.raw}" if system and member else ""
        parts = [bic] if bic else []
        if system and member and _AGENT.fullmatch(clearing):
            parts += [system, member]
        else:
            clearing = ""
        found = " ".join(filter(None, (bic.raw if bic else "", clearing))) or None
        if only is None or found == only:
            for part in parts:
                part.use()
        return found

    def unused(self) -> Iterator[str]:
        """Yield the paths of the texts that were not used."""
        for child in self.children():
            if len(child._element):
                yield from child.unused()
            elif not child.is_used:
                yield child.path
