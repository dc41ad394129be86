"""Hosts files for blocking: domains with an unusable address."""

import re
from collections.abc import Iterable, Iterator
from typing import ClassVar

from feeds.format import DomainBlocklist, Example, Head
from feeds.readers.rows import Row, Unreadable

_NOWHERE = frozenset({"0.0.0.0", "127.0.0.1", "0", "::", "::1", "0:0:0:0:0:0:0:0", "0:0:0:0:0:0:0:1"})  # noqa: S104 - addresses that block, not addresses to listen on
_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]*:[0-9a-fA-F:.]*(?:%\w+)?")
_LINE = re.compile(r"(?:0|(?:\d{1,3}\.){3}\d{1,3}|[0-9a-fA-F]*::?[0-9a-fA-F:.]*(?:%\w+)?)[ \t]+[^\s,;|]+(?:\s.*)?")
_OWN = frozenset(
    {"localhost", "localhost.localdomain", "local", "localhost4", "localhost6", "broadcasthost", "0.0.0.0"}  # noqa: S104 - a name there
    | {f"ip6-{name}" for name in ("localhost", "loopback", "localnet", "mcastprefix")}
    | {f"ip6-{name}" for name in ("allnodes", "allrouters", "allhosts")}
)


class Hosts(DomainBlocklist):
    """Lines ``0.0.0.0 domain domain … # comment``; a domain alone on a line counts too."""

    name: ClassVar[str] = "hosts"
    endings: ClassVar[tuple[str, ...]] = ("hosts",)
    written: ClassVar[str] = "0.0.0.0 {}"

    def score(self, head: Head) -> float:
        """Return the share of lines that begin with an address and a name."""
        lines = [line for line in head.lines if not line.startswith("#")]
        return 0.95 * head.share(filter(_LINE.fullmatch, lines), len(lines))

    def rows_of_line(self, number: int, line: str) -> Iterable[Row | Unreadable]:
        """Return the domains with an unusable address."""
        words = line.split()
        if len(words) == 2 and words[0] in _NOWHERE and words[1] not in _OWN and "#" not in line:
            return (Row(number, {"value": words[1]}),)
        return () if not words or words[0].startswith("#") else _rows_of_names(number, line)

    def examples(self) -> Iterable[Example]:
        two = [{"value": "a.example.com"}, {"value": "b.example.com"}]
        yield Example(b"# bad\n0.0.0.0 a.example.com\n0.0.0.0 b.example.com # why\n", two)
        yield Example(b"127.0.0.1\ta.example.com b.example.com\r\n", two)
        yield Example(b"::1 a.example.com#why\n:: b.example.com\n", two)
        yield Example(
            b"0.0.0.0 a.example.com\n0.0.0.0 b.example.com\nc.example.com\n", [*two, {"value": "c.example.com"}]
        )
        yield Example(
            b"127.0.0.1 localhost\n255.255.255.255 broadcasthost\nfe80::1%lo0 localhost\n0.0.0.0 a.example.com\n",
            two[:1],
            ("own-machine", "own-machine", "own-machine"),
        )
        yield Example(b"0.0.0.0 a.example.com\n192.0.2.7 printer\n", two[:1], ("not-a-report",))
        yield Example(b"0.0.0.0 a.example.com\n0.0.0.0\n", two[:1], ("no-value",))


def _rows_of_names(number: int, line: str) -> Iterator[Row | Unreadable]:
    address, *names = line.partition("#")[0].split()
    if _ADDRESS.fullmatch(address) is None and address not in _NOWHERE:
        names.insert(0, address)
        address = "0"
    if not names:
        yield Unreadable.of(number, line, "no-value", "an address without a name blocks nothing")
    for name in names:
        if name.lower() in _OWN:
            yield Unreadable.of(number, name, "own-machine", "this is every machine's own name: leave it out")
        elif address not in _NOWHERE:
            message = "the name has a usable address and is not blocked: block a name with 0.0.0.0"
            yield Unreadable.of(number, name, "not-a-report", message)
        else:
            yield Row(number, {"value": name})
