"""Publish this hub's own reports to other hubs: number and sign what changed, and the heads.

A value is looked at again after each release of it. Contributions only note the value; this step does the rest.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

import orjson
from msgspec.structs import replace
from sqlalchemy import BigInteger, bindparam, delete, false, select, update

from mappers import hub_report as mapper
from schemas import hub_report
from schemas.hub_report import VERSION, Erased, HubReport, key_ref
from schemas.site import names_of
from server.features.federation import messages, origins, own_heads, own_state, pending, stored
from server.features.federation.own_changes import is_news
from server.features.federation.own_entries import TokenMaker
from server.features.federation.own_reports import OwnContent, OwnReports
from server.features.federation.stored import COUNTS, EMPTY, HELD, StoredReport
from server.features.federation.streams import HubStream, streams_of
from server.features.federation.tables import hub_origins, hub_pending, hub_reports, partner_links
from server.features.ledger.keys import LedgerKeys
from server.release.hub import Hub
from server.release.session import ReleaseSession
from server.store import collections, hub_identity, jobs, log, reviews, value_index
from server.store.collections import Collection
from server.store.database.engine import Tx
from server.store.database.times import micros, moment, now, parse, stix_stamp
from server.store.item import Item
from server.store.peer_messages import messages as peer_messages

logger = logging.getLogger(__name__)

# Values in one transaction.
BATCH = 200
_JOB = "hub reports"
_SECOND = 1_000_000
# Begins the mark of a report to erase among the values to look at; the reason and the id follow.
_ERASED = "erased:"


def publish_step(hub: Hub, keys: LedgerKeys, stopped: Callable[[], bool] = lambda: False) -> int:
    """Publish all that is due, in batches, and return the number of new versions of this hub's own reports.

    Does nothing for a hub that exchanges no reports. Raises ``BadSigningKey`` for an HSM that does not answer.
    """
    published = 0
    while is_due(hub):
        with hub.store.begin() as tx:
            published += _Publishing(hub, tx, keys).run()
        if stopped():
            break
    if published:
        logger.info("hub-reports-published versions=%d", published)
    return published


def exchanges(hub: Hub, tx: Tx) -> bool:
    """Return whether the hub exchanges reports with others: it has peers, or partners that are peers."""
    return bool(hub.peers) or hub.facts.at(tx).has_peer_readers


def is_due(hub: Hub) -> bool:
    """Return whether anything is to be published."""
    with hub.store.read() as tx:
        if not exchanges(hub, tx):
            return False
        state = own_state.find(tx)
        if state is None or now() >= state.signed + own_heads.EVERY * _SECOND:
            return True
        streams = _streams(hub, tx)
        if peer_messages.is_waiting(tx, [stream.peer.origin for stream in streams if stream.peer is not None]):
            return True
        if tx.execute(_ANY_PENDING).first() is not None or tx.execute(_ENDED, {"at": now(), "rows": 1}).first():
            return True
        found = jobs.find(tx, _JOB)
        if found is None or found.ended is None:
            return True
        if own_state.key_due(tx, state) != state.key:
            return True
        return bool(found.state["by"] != _rules(hub, state.key, streams))


def erase(tx: Tx, subjects: Sequence[str], reason: str) -> list[str]:
    """Let the next step replace all reports of these values by signed tombstones, without any data about them.

    ``reason`` is the text of the erasure, of which a code is published. Return the ids of the reports.
    """
    every = stored.of_subjects(tx, subjects)
    # Of other hubs' reports the id and number stay, by which their heads are compared.
    others = [row for row in every if row.peer]
    stored.put(tx, [row._replace(subject="", body=b"", state=HELD) for row in others], {row[:3]: row for row in others})
    state = own_state.find(tx)
    if state is None:
        return []
    found = [row for row in every if row.origin == state.origin]
    bare = []
    for row in found:
        left = mapper.ended(orjson.loads(row.body), _bare(row, Erased(_code(reason))), stix_stamp(row.number))
        bare.append(row._replace(subject="", body=orjson.dumps(left), state=EMPTY))
    stored.put(tx, bare, {row[:3]: row for row in found})
    pending.forget(tx, subjects)
    pending.note(tx, {f"{_ERASED}{_code(reason)}:{row.id}" for row in found}, release=False)
    return [row.id for row in found]


def _code(reason: str) -> str:
    """Return the code of a reason that a person gave."""
    words = reason.casefold()
    if "court" in words or "ศาล" in words:
        return "court-order"
    return "cleared" if "clear" in words else "law"


class _Change(NamedTuple):
    """A new version of a report in a stream: what it contains, None if it ends, and the version before, if any."""

    stream: HubStream
    subject: str
    id: str
    nonce: str
    content: OwnContent | None
    before: StoredReport | None
    erased: Erased | None = None


class _Publishing:
    """One batch in one transaction."""

    def __init__(self, hub: Hub, tx: Tx, keys: LedgerKeys) -> None:
        """Lock the state of this hub as an origin."""
        self._hub = hub
        self._tx = tx
        # In the order in which receiving locks them.
        origins.lock(tx, [keys.name])
        state = own_state.lock(tx, keys)
        self._key = own_state.signing_key(tx, keys, state)
        self._state = state._replace(key=str(self._key.verifier))
        self._origin = self._key.verifier.name
        self._streams = _streams(hub, tx)
        self._identity = hub_identity.identity(tx)
        self._changed: dict[str, int] = {}

    def run(self) -> int:
        """Publish a batch and the heads that are due; return the number of new versions."""
        noted = _take_pending(self._tx, BATCH)
        erased = [subject for subject in noted if subject.startswith(_ERASED)]
        subjects = noted.keys() - set(erased)
        due = set(self._tx.execute(_ENDED, {"at": now(), "rows": BATCH}).scalars())
        subjects |= due
        if not noted and not subjects:
            subjects |= self._next_of_all()
        changes = self._changes_of(subjects, due) if subjects else []
        changes += self._erasures(erased)
        self._publish(changes)
        number = messages.publish(self._tx, self._streams, self._identity, self._key, self._state.number)
        self._state = self._state._replace(number=number)
        _forget_pending(self._tx, noted)
        self._sign_heads()
        own_state.save(self._tx, self._state)
        return len(changes)

    def _next_of_all(self) -> set[str]:
        """Return the next values of a walk through all, begun for a change of streams, settings or the key."""
        by = _rules(self._hub, self._state.key, self._streams)
        found = jobs.find(self._tx, _JOB)
        if found is None or found.state["by"] != by:
            found = jobs.begin(self._tx, _JOB, {"by": by, "after": -1})
        if found.ended is not None:
            return set()
        values = value_index.values_after(self._tx, found.state["after"], BATCH)
        after = max(values, default=found.state["after"])
        jobs.save(self._tx, _JOB, {"by": by, "after": after}, ended=not values)
        return set(values.values())

    def _changes_of(self, subjects: set[str], due: set[str]) -> list[_Change]:
        """Return the new versions of these values' reports; ``due`` are those whose published parts have ended."""
        tx = self._tx
        value_index.lock(tx, subjects)
        session = ReleaseSession.open(self._hub, tx)
        own, others = self._own_and_others(subjects)
        active = {(row.stream, row.subject): row for row in own if row.state != EMPTY}
        lives = Counter((row.stream, row.subject) for row in own if row.state == EMPTY)
        delisted = _delisted(tx, subjects) if session.context.facts.has_delisted else {}
        links = {row[0]: bytes(row[1]) for row in tx.execute(select(partner_links.c.partner, partner_links.c.secret))}
        tokens = TokenMaker(hub_identity.secret(tx, "reporter tokens"), links)
        reports = OwnReports(session, self._streams, tokens, self._hub.weight_step, others, delisted)
        changes, begun = list[_Change](), list[_Change]()
        for value in session.load(sorted(subjects)):
            contents = reports.of(value)
            for stream in self._streams:
                place, content = (stream.name, value.subject), contents.get(stream.name)
                before = active.get(place)
                if before is not None and (content is None or self._is_news(before, content, others)):
                    changes.append(_next_version(stream, before, content))
                elif before is None and content is not None:
                    begun.append(_Change(stream, value.subject, "", "", content, None))
                elif before is not None and content is not None and value.subject in due:
                    _set_ends(tx, [(before, content)])
        return [*changes, *self._with_ids(begun, lives)]

    def _own_and_others(self, subjects: set[str]) -> tuple[list[StoredReport], dict[str, list[StoredReport]]]:
        """Return this hub's reports of the values, and those of other hubs by value."""
        others: dict[str, list[StoredReport]] = {}
        own: list[StoredReport] = []
        for row in stored.of_subjects(self._tx, subjects):
            (own if row.origin == self._origin else others.setdefault(row.subject, [])).append(row)
        return own, others

    def _is_news(self, before: StoredReport, content: OwnContent, others: Mapping[str, Sequence[StoredReport]]) -> bool:
        """Return whether a new version differs for its readers, or the key that signed the last one is replaced."""
        known = hub_report.read(before.body)
        if known.report is None or known.report.key != key_ref(self._key.verifier):
            return True
        made = replace(content.report, nonce=known.report.nonce, number=before.number)
        obj = self._object(before.id, made, content, before)
        by_time = made.finding is not None or any(b'"finding"' in row.body for row in others.get(before.subject, ()))
        times = moment(before.number), moment(now())
        return is_news(known.report, made, (known.obj, obj), times, by_time=by_time)

    def _with_ids(self, begun: Sequence[_Change], lives: Mapping[tuple[str, str], int]) -> list[_Change]:
        """Return reports that begin, with their ids: the id of an ended report of the value is not used again.

        ``lives`` has the number of ended ones by stream and subject; erased ones are not in it.
        """
        secret = hub_identity.secret(self._tx, "hub reports") if begun else b""
        named: list[_Change] = []
        left = [(change, lives.get((change.stream.name, change.subject), 0)) for change in begun]
        while left:
            tried: dict[str, list[tuple[_Change, int]]] = {}
            for change, life in left:
                nonce = hub_report.nonce(secret, change.subject, life)
                id_ = hub_report.report_id(self._origin, nonce)
                tried.setdefault(change.stream.name, []).append((change._replace(id=id_, nonce=nonce), life))
            left = []
            for stream, found in tried.items():
                used = stored.find(self._tx, self._origin, stream, [change.id for change, _ in found])
                named += [change for change, _ in found if change.id not in used]
                left += [(change, life + 1) for change, life in found if change.id in used]
        return named

    def _erasures(self, marks: Iterable[str]) -> list[_Change]:
        """Return the tombstones of reports to erase, in each stream that had one."""
        changes = []
        for mark in marks:
            _, reason, id_ = mark.split(":", 2)
            for stream in self._streams:
                for row in stored.find(self._tx, self._origin, stream.name, [id_]).values():
                    nonce = orjson.loads(row.body)["extensions"][hub_report.EXTENSION]["hub_report"]["nonce"]
                    changes.append(_Change(stream, "", id_, nonce, None, row, Erased(reason)))
        return changes

    def _publish(self, changes: Sequence[_Change]) -> None:
        """Number, sign and append these versions, each stream to its collection."""
        by_stream: dict[str, list[_Change]] = {}
        for change in changes:
            by_stream.setdefault(change.stream.name, []).append(change)
        if not by_stream:
            return
        tx = self._tx
        targets = {name: self._collection(of_stream[0].stream) for name, of_stream in by_stream.items()}
        wanted = [(targets[name], len(of_stream)) for name, of_stream in by_stream.items()]
        places = log.reserve(tx, wanted, self._state.number)
        appends, rows = [], []
        for (name, of_stream), start in zip(by_stream.items(), places, strict=True):
            made = [self._signed(change, start + place) for place, change in enumerate(of_stream)]
            appends.append((targets[name], [Item.of_bytes(row.body) for row in made]))
            rows += made
            self._changed[name] = made[-1].number
        starts = {targets[name].log: start for name, start in zip(by_stream, places, strict=True)}
        log.append_all(tx, appends, places=starts)
        before = {change.before[:3]: change.before for change in changes if change.before is not None}
        stored.put(tx, rows, before)
        ordered = [change for of_stream in by_stream.values() for change in of_stream]
        _set_ends(tx, [(row, change.content) for row, change in zip(rows, ordered, strict=True)])
        self._state = self._state._replace(number=rows[-1].number)

    def _signed(self, change: _Change, number: int) -> StoredReport:
        """Return a version with its number and signature."""
        if change.content is not None:
            report = replace(change.content.report, number=number, nonce=change.nonce)
            obj = self._object(change.id, report, change.content, change.before)
        else:
            before = orjson.loads(change.before.body) if change.before is not None else {}
            report = HubReport(
                version=VERSION, stream=change.stream.name, number=number, nonce=change.nonce, erased=change.erased
            )
            obj = mapper.ended(before, report, stix_stamp(number))
        return StoredReport(
            *(self._origin, change.stream.name, change.id, number, change.subject),
            *(hub_report.sign(obj, self._key), "", now(), COUNTS if change.content is not None else EMPTY),
        )

    def _object(self, id_: str, report: HubReport, content: OwnContent, before: StoredReport | None) -> dict[str, Any]:
        created = orjson.loads(before.body)["created"] if before is not None else None
        return mapper.to_stix(
            report,
            content.consensus,
            id_,
            self._identity,
            tlp=content.tlp,
            created=moment(report.number) if created is None else moment(parse(created)),
            modified=stix_stamp(report.number),
            until=content.consensus.valid_until if report.reports else content.until,
        )

    def _collection(self, stream: HubStream) -> Collection:
        if stream.peer is None:
            return collections.hub_reports(self._tx)
        return collections.private_collection(self._tx, stream.peer.partner, "hub-reports")

    def _sign_heads(self) -> None:
        """Sign the heads of the changed streams; or of all if an hour is over, or new numbers are due."""
        anew, at = self._state.signed == 0, now()
        numbers = dict(self._changed)
        known = own_heads.numbers(self._tx, self._origin)
        all_due = anew or at >= self._state.signed + own_heads.EVERY * _SECOND
        for stream in self._streams:
            if (anew or stream.name not in known) and stream.name not in numbers:
                number = max(self._state.number + 1, at)
                self._state = self._state._replace(number=number)
                numbers[stream.name] = number
            elif all_due:
                numbers.setdefault(stream.name, known.get(stream.name, 0))
        if anew:
            origins.set_word(self._tx, self._origin, origins.RESTORED, on=False)
        own_heads.sign(self._tx, self._identity, self._state, self._key, numbers)
        if all_due:
            self._state = self._state._replace(signed=at)


def _next_version(stream: HubStream, before: StoredReport, content: OwnContent | None) -> _Change:
    known = hub_report.read(before.body)
    nonce = known.report.nonce if known.report is not None else ""
    return _Change(stream, before.subject, before.id, nonce, content, before)


def _bare(row: StoredReport, erased: Erased) -> HubReport:
    own = orjson.loads(row.body)["extensions"][hub_report.EXTENSION]["hub_report"]
    return HubReport(version=VERSION, stream=row.stream, number=row.number, nonce=own["nonce"], erased=erased)


def _streams(hub: Hub, tx: Tx) -> list[HubStream]:
    asked = select(hub_origins.c.origin, hub_origins.c.identity).where(hub_origins.c.identity.is_not(None))
    identities = {row[0]: row[1] for row in tx.execute(asked)}
    return streams_of(hub.peers, hub.facts.at(tx).registry, identities)


def _rules(hub: Hub, key: str, streams: Iterable[HubStream]) -> str:
    """Return a digest of all that decides on every report: the key, the streams, and their settings."""
    named = [
        (stream.name, sorted(stream.countries), stream.peer.tlp, stream.peer.limits) if stream.peer else stream.name
        for stream in streams
    ]
    return sha256(orjson.dumps([key, hub.weight_step, named])).hexdigest()


def _delisted(tx: Tx, subjects: Iterable[str]) -> dict[str, int]:
    """Return the names of values that this hub found wrong, among those of these, with the time."""
    named = (subject.partition(":") for subject in subjects)
    return reviews.delisted_since(tx, {name for kind, _, value in named for name in names_of(kind, value)})


def _take_pending(tx: Tx, most: int) -> dict[str, int]:
    """Return at most ``most`` values to look at, each with the moment of the note."""
    return {row[0]: row[1] for row in tx.execute(_PENDING, {"rows": most})}


def _forget_pending(tx: Tx, noted: Mapping[str, int]) -> None:
    """Forget these values, unless they were noted again since."""
    if noted:
        tx.execute(_FORGET, [{"of_subject": subject, "at": at} for subject, at in sorted(noted.items())])


def _set_ends(tx: Tx, made: Iterable[tuple[StoredReport, OwnContent | None]]) -> None:
    """Note when the last part of each of these reports ends."""
    rows = [
        dict(zip(("of_origin", "of_stream", "of_id"), row[:3], strict=True))
        | {"until": None if content is None else max(micros(content.until), now() + _SECOND)}
        for row, content in made
    ]
    if rows:
        tx.execute(_SET_ENDS, rows)


_ANY_PENDING = select(hub_pending.c.subject).where(hub_pending.c.release == false()).limit(1)
_PENDING = (
    select(hub_pending.c.subject, hub_pending.c.noted)
    .where(hub_pending.c.release == false())
    .order_by(hub_pending.c.noted)
    .limit(bindparam("rows"))
)
_FORGET = delete(hub_pending).where(
    hub_pending.c.subject == bindparam("of_subject"), hub_pending.c.noted == bindparam("at")
)
_c = hub_reports.c
_ENDED = (
    select(_c.subject)
    .where(_c.ends.is_not(None), _c.ends <= bindparam("at", type_=BigInteger), _c.subject != "")
    .limit(bindparam("rows"))
)
_SET_ENDS = (
    update(hub_reports)
    .where(_c.origin == bindparam("of_origin"), _c.stream == bindparam("of_stream"), _c.id == bindparam("of_id"))
    .values(ends=bindparam("until"))
)
