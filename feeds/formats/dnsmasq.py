"""Settings of dnsmasq that send names nowhere."""

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO, ClassVar

from feeds.format import Example, Format, Head
from feeds.readers.lines import blocks
from feeds.readers.rows import Row, Unreadable
from feeds.readers.source import Source
from schemas.report import Report

_LINE = re.compile(r"(?:--)?(server|address|local)\s*=\s*/(.*)/([^/]*)")
_SETTING = re.compile(r"(?:--)?[a-z0-9-]+(?:\s*=.*)?")
_NOWHERE = frozenset({"", "#", "0.0.0.0", "::", "127.0.0.1", "::1"})  # noqa: S104 - nowhere, not everywhere


class Dnsmasq(Format):
    """``server=/name/`` and ``address=/name/0.0.0.0``, several names a line."""

    name: ClassVar[str] = "dnsmasq"
    writes: ClassVar[bool] = True
    once: ClassVar[bool] = True
    blocks: ClassVar[bool] = True
    lines: ClassVar[bool] = True

    def score(self, head: Head) -> float:
        """Give the share of lines that set where names are sent."""
        lines = [line for line in head.lines if not line.startswith("#")]
        return 0.95 * head.share(filter(_LINE.match, lines), len(lines))

    def read(self, source: Source, path: str = "") -> Iterator[Row | Unreadable]:
        """Give each name that is sent nowhere as a row."""
        for run in blocks(source):
            if isinstance(run, Unreadable):
                yield run
                continue
            for number, line in enumerate(run[1], run[0]):
                text = line.partition(" #")[0].strip()
                if text and not text.startswith("#"):
                    yield from _names(number, text)

    def examples(self) -> Iterable[Example]:
        """Give settings."""
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

    def write(self, reports: Iterable[Report], out: BinaryIO) -> int:
        """Write the domains among ``reports``."""
        count = 0
        for report in reports:
            if report.kind == "domain":
                out.write(f"server=/{report.value}/\n".encode())
                count += 1
        return count


def _names(number: int, text: str) -> Iterator[Row | Unreadable]:
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
            message = "the names are sent to a server, which is no blocking" if sent_on else "no name to block"
            yield Unreadable.of(number, text, "not-a-report", message)
        else:
            yield Row(number, {"value": name})
