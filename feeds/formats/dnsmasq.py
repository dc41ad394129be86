"""Settings of dnsmasq that return no address for domains."""

import re
from collections.abc import Iterable, Iterator
from typing import ClassVar

from feeds.format import DomainBlocklist, Example, Head
from feeds.readers.rows import Row, Unreadable

_LINE = re.compile(r"(?:--)?(server|address|local)\s*=\s*/(.*)/([^/]*)")
_SETTING = re.compile(r"(?:--)?[a-z0-9-]+(?:\s*=.*)?")
_NOWHERE = frozenset({"", "#", "0.0.0.0", "::", "127.0.0.1", "::1"})  # noqa: S104 - addresses that block, not addresses to listen on


class Dnsmasq(DomainBlocklist):
    """Settings ``server=/domain/`` and ``address=/domain/0.0.0.0``, with several domains a line."""

    name: ClassVar[str] = "dnsmasq"
    written: ClassVar[str] = "server=/{}/"

    def score(self, head: Head) -> float:
        """Return the share of lines that set where domains are sent."""
        lines = [line for line in head.lines if not line.startswith("#")]
        return 0.95 * head.share(filter(_LINE.match, lines), len(lines))

    def rows_of_line(self, number: int, line: str) -> Iterable[Row | Unreadable]:
        """Return the domains for which a setting blocks the answer."""
        text = line.partition(" #")[0].strip()
        return () if not text or text.startswith("#") else _rows_of_setting(number, text)

    def examples(self) -> Iterable[Example]:
        two = [{"value": "a.example.com"}, {"value": "b.example.com"}]
        yield Example(b"# bad\nserver=/a.example.com/\nlocal=/b.example.com/\r\n", two)
        yield Example(b"address=/a.example.com/b.example.com/0.0.0.0\n", two)
        yield Example(b"address=/a.example.com/# # why\naddress=/b.example.com/::\n", two)
        yield Example(
            b"server=/a.example.com/\nserver=/lan.example.com/192.0.2.1\naddress=/b.example.com/\naddress=/#/192.0.2.1\n"
            b"cache-size=1000\nwhat is this\n",
            two,
            ("not-a-report", "not-a-report", "not-a-report", "not-a-setting"),
            name="x.dnsmasq",
        )


def _rows_of_setting(number: int, text: str) -> Iterator[Row | Unreadable]:
    setting = _LINE.fullmatch(text)
    if setting is None:
        if _SETTING.fullmatch(text):
            yield Unreadable.of(number, text, "not-a-report", "a setting of dnsmasq that blocks no name")
        else:
            yield Unreadable.of(number, text, "not-a-setting", "neither a setting of dnsmasq nor a comment")
        return
    word, names, target = setting.groups()
    # server=/name/# uses the standard servers, address=/name/# gives the null address.
    sent_on = target not in _NOWHERE or (word != "address" and target != "")
    for name in names.split("/"):
        if sent_on or name in ("", "#"):
            message = "the names are sent to a server and not blocked" if sent_on else "no name to block"
            yield Unreadable.of(number, text, "not-a-report", message)
        else:
            yield Row(number, {"value": name})
