"""Response policy zones: zone files with the domains and addresses that a resolver blocks."""

import re
from collections.abc import Iterable, Iterator
from ipaddress import ip_network
from typing import BinaryIO, ClassVar, NamedTuple

from dns.exception import DNSException
from dns.tokenizer import Tokenizer

from feeds.format import Example, Format, Head
from feeds.readers.rows import MAX_LINE, Row, Unreadable
from feeds.readers.source import Source, line_runs
from schemas import timestamp
from schemas.report import Report

TTL = re.compile(r"\d+|(?:\d+[wdhms])+", re.IGNORECASE)
CLASSES = frozenset({"IN", "CH", "HS", "ANY"})

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|;.*|\\.')
# A record with more lines has lost its closing bracket.
_MOST_LINES = 50

_MALFORMED = ("malformed-record", "not a record of a zone file: owner, type and data, with closed brackets and quotes")


class ZoneRecord(NamedTuple):
    """A record as written; ``owner`` is empty if the record has the same as the previous one."""

    line: int
    owner: str
    type: str
    data: str
    raw: str


def records(source: Source) -> Iterator[ZoneRecord | Unreadable]:
    """Yield the records of a zone file, also those that use brackets to span several lines."""
    start, held = 0, list[str]()
    for run in line_runs(source):
        if isinstance(run, Unreadable):
            yield run
            continue
        for number, line in enumerate(run[1], run[0]):
            if not held and not line.strip():
                continue
            held.append(line)
            start = start if len(held) > 1 else number
            if "(" in line or len(held) > 1:
                bare = _QUOTED.sub("", "\n".join(held))
                if bare.count("(") > bare.count(")") and len(held) < _MOST_LINES and len(bare) < MAX_LINE:
                    continue
            if record := _record(start, "\n".join(held)):
                yield record
            held.clear()
    if held:
        yield Unreadable.of(start, held[0], *_MALFORMED)


def _record(number: int, raw: str) -> ZoneRecord | Unreadable | None:
    """Read one record; None for a comment."""
    try:
        words = _words(raw)
    except DNSException:
        return Unreadable.of(number, raw, *_MALFORMED)
    if not words:
        return None
    if words[0].startswith("$"):
        return ZoneRecord(number, "", words[0].upper(), " ".join(words[1:2]), raw)
    owner = "" if raw[0] in " \t" else words.pop(0)
    for _ in range(2):
        if words and (words[0].upper() in CLASSES or TTL.fullmatch(words[0])):
            words.pop(0)
    if len(words) < 2 or not words[0].isalnum():
        return Unreadable.of(number, raw, *_MALFORMED)
    return ZoneRecord(number, owner, words[0].upper(), words[1], raw)


def _words(raw: str) -> list[str]:
    if not any(mark in raw for mark in '();"\\'):
        return raw.split()
    tokens, words = Tokenizer(raw), list[str]()
    while not (token := tokens.get()).is_eof():
        if not token.is_eol():
            words.append(token.value)
    return words


_ADDRESSES = frozenset({"A", "AAAA"})
# Records about the zone itself, not about a name in it.
_OF_THE_ZONE = frozenset({"SOA", "NS", "TXT", "RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "DNSKEY", "DS", "CDS", "CDNSKEY"})
_BLOCKING = frozenset({".", "*.", "rpz-drop."})
_NOWHERE = frozenset({"0.0.0.0", "127.0.0.1", "::", "::1"})  # noqa: S104 - addresses that block, not addresses to listen on
_TRIGGERS = {
    "rpz-client-ip": "the client, not the requested name",
    "rpz-nsip": "name servers, which serve others too",
    "rpz-nsdname": "name servers, which serve others too",
}
_HEADER = "$TTL 300\n@ IN SOA localhost. hostmaster.localhost. {serial} 3600 600 2592000 300\n@ IN NS localhost.\n"
_SENT_ON = "the name is redirected or gets another answer, and is not blocked"
_OUTSIDE = ("outside-zone", "the name is outside the zone, so that its server ignores it: write it without a final dot")


class Rpz(Format):
    """A zone in the text form of RFC 1035 with the triggers and actions of response policy zones.

    A name and the wildcard right below it are one report. Names that are answered normally (``rpz-passthru``) or
    redirected are not reports.
    """

    name: ClassVar[str] = "rpz"
    endings: ClassVar[tuple[str, ...]] = ("rpz", "zone", "db")
    writes: ClassVar[bool] = True
    values_only: ClassVar[bool] = True
    blocklist: ClassVar[bool] = True

    def score(self, head: Head) -> float:
        """Return the share of lines that contain a record."""
        lines = [line for line in head.lines if not line.startswith((";", "$"))]
        return 0.96 * head.share(filter(_looks_like_record, lines), len(lines))

    def read(self, source: Source, path: str = "") -> Iterator[Row | Unreadable]:
        return _Zone().rows(records(source))

    def examples(self) -> Iterable[Example]:
        two = [{"value": "a.example.com"}, {"value": "b.example.com"}]
        head = (
            b"$TTL 1h\n@ IN SOA ns.example.net. admin.example.net. ( 1 ; serial\n 3600 600\n 86400 300 )\n IN NS x.\n"
        )
        yield Example(head + b"a.example.com CNAME .\n*.a.example.com CNAME .\nb.example.com IN CNAME *. ; why\n", two)
        yield Example(
            b"$ORIGIN rpz.example.net.\na.example.com 300 IN CNAME rpz-drop.\nb.example.com.rpz.example.net. CNAME .\n"
            b"c.example.com. CNAME .\n",
            two,
            ("outside-zone",),
        )
        yield Example(
            b"rpz.example.net. 60 IN SOA a. b. 1 2 3 4 5\na.example.com.rpz.example.net. 60 IN A 0.0.0.0\n"
            b"\tAAAA ::\nb.example.com.rpz.example.net. CNAME .\n",
            two,
        )
        yield Example(
            b"a.example.com CNAME .\ngood.example.com CNAME rpz-passthru.\nsafe.example.com CNAME safe.example.com.\n"
            b"search.example.com CNAME strict.example.com.\nslow.example.com CNAME rpz-tcp-only.\n"
            b"lan.example.com A 192.0.2.1\nx.example.com TXT\nb.example.com CNAME .\n",
            two,
            (*["not-a-report"] * 5, "malformed-record"),
        )
        yield Example(
            b"32.7.2.0.192.rpz-ip CNAME .\n24.0.2.0.192.rpz-ip CNAME .\n128.1.zz.db8.2001.rpz-ip CNAME .\n"
            b"32.7.2.0.192.rpz-client-ip CNAME .\nns.example.com.rpz-nsdname CNAME .\n99.1.rpz-ip CNAME .\n",
            [
                {"value": "192.0.2.7", "kind": "ip"},
                {"value": "192.0.2.0/24", "kind": "ip"},
                {"value": "2001:db8::1", "kind": "ip"},
            ],
            ("not-a-report", "not-a-report", "bad-trigger"),
        )

    def write(self, reports: Iterable[Report], out: BinaryIO) -> int:
        """Write a zone of the domains and addresses among ``reports``; its serial number is the time."""
        out.write(_HEADER.format(serial=int(timestamp.now().timestamp())).encode())
        count = 0
        for report in reports:
            if report.kind == "domain":
                out.write(f"{report.value} CNAME .\n*.{report.value} CNAME .\n".encode())
                count += 1
            elif report.kind == "ip" and (trigger := _trigger(report.value)):
                out.write(f"{trigger} CNAME .\n".encode())
                count += 1
        return count


class _Zone:
    """State of a zone during reading: its name, the origin of relative names, the last owner, the last name."""

    def __init__(self) -> None:
        self._zone = self._origin = self._owner = self._last_name = ""

    def rows(self, found: Iterator[ZoneRecord | Unreadable]) -> Iterator[Row | Unreadable]:
        for record in found:
            if isinstance(record, Unreadable):
                yield record
            elif record.type == "$ORIGIN":
                self._origin = record.data.lower()
                self._zone = self._zone or self._origin
            elif record.type.startswith("$"):
                if record.type != "$TTL":
                    message = "an instruction to read or generate more records: write the records out"
                    yield Unreadable.of(record.line, record.raw, "not-a-report", message)
            elif row := self._row(record):
                yield row

    def _row(self, record: ZoneRecord) -> Row | Unreadable | None:
        owner = self._owner = record.owner.lower() or self._owner
        if record.type == "SOA" and owner.endswith("."):
            self._zone = self._origin = owner
        if record.type in _OF_THE_ZONE or owner == "@":
            return None
        name = self._below(owner)
        if name is None:
            return Unreadable.of(record.line, record.raw, *_OUTSIDE)
        name = name.removeprefix("*.")
        if refusal := _refusal(record, name):
            return Unreadable.of(record.line, record.raw, *refusal)
        if name == self._last_name:
            return None
        self._last_name = name
        if not name.endswith(".rpz-ip"):
            return Row(record.line, {"value": name})
        address = _address(name.split(".")[:-1])
        if address is None:
            message = "not an address: rpz-ip needs prefix length and reversed parts, such as 32.7.2.0.192.rpz-ip"
            return Unreadable.of(record.line, record.raw, "bad-trigger", message)
        return Row(record.line, {"value": address, "kind": "ip"})

    def _below(self, owner: str) -> str | None:
        """Return a name relative to the zone, None if it is outside."""
        if not owner.endswith("."):
            if self._origin == self._zone:
                return owner
            owner = f"{owner}.{self._origin}"
        return owner.removesuffix(f".{self._zone}") if self._zone and owner.endswith(f".{self._zone}") else None


def _refusal(record: ZoneRecord, name: str) -> tuple[str, str] | None:
    """Return reason and message if a record blocks nothing, None if it blocks."""
    trigger = name.rpartition(".")[2]
    if trigger in _TRIGGERS:
        return "not-a-report", f"the rule is about {_TRIGGERS[trigger]}"
    target = record.data.lower()
    if record.type == "CNAME":
        if target in _BLOCKING or target == "rpz-drop":
            return None
        if target.rstrip(".") in ("rpz-passthru", name):
            return "not-a-report", "an exception: it lists a name that is not blocked"
        return "not-a-report", _SENT_ON
    return None if record.type in _ADDRESSES and target in _NOWHERE else ("not-a-report", _SENT_ON)


def _looks_like_record(line: str) -> bool:
    """Return whether ``line`` looks like a record, with or without its owner."""
    words = line.split(maxsplit=5)
    for place, word in enumerate(words[:4]):
        after = words[place + 1] if place + 1 < len(words) else ""
        if word.upper() in ("CNAME", "SOA") and after:
            return True
        if word in ("A", "AAAA", "NS") and (after.endswith(".") or after[-1:].isdigit() or after.startswith("::")):
            return True
        if place and word.upper() not in CLASSES and TTL.fullmatch(word) is None:
            return False
    return False


def _address(parts: list[str]) -> str | None:
    """Return the address or network of ``parts``: its prefix length, and then its parts in reverse order."""
    size, *backwards = parts
    if len(backwards) == 4 and "zz" not in backwards:
        text = ".".join(reversed(backwards))
    else:
        text = ":".join(reversed(backwards)).replace(":zz", ":").replace("zz", ":")
        text = text + ":" if text.endswith(":") and not text.endswith("::") else text
    try:
        network = ip_network(f"{text}/{size}")
    except ValueError:
        return None
    return str(network.network_address if network.num_addresses == 1 else network)


def _trigger(address: str) -> str:
    """Return the owner name of an address's rule."""
    if ":" not in address:
        return f"32.{'.'.join(reversed(address.split('.')))}.rpz-ip"
    words = address.replace("::", ":zz:").strip(":").split(":")
    return f"128.{'.'.join(reversed(words))}.rpz-ip"
