"""Stored uploads: their state, their settings, and the workers that have them."""

import secrets
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Select, delete, func, insert, or_, select, update

from server.features.uploads.tables import upload_columns, upload_pieces, upload_rows, uploads
from server.operations.operation import Actor
from server.store.database.engine import Tx
from server.store.database.times import now

DAYS = 7
LEASE = 60 * 1_000_000
_DAY = 86_400 * 1_000_000
# Readings of one file that ended without a result.
MOST_ATTEMPTS = 3
_u, _p, _r, _c = uploads.c, upload_pieces.c, upload_rows.c, upload_columns.c


class State(StrEnum):
    """The state of an upload.

    ``receiving``: its bytes are being stored. ``waiting``: it is to be read, or is being read. ``gone``: it was
    discarded or has expired, and is being removed.
    """

    RECEIVING = "receiving"
    WAITING = "waiting"
    READY = "ready"
    FAILED = "failed"
    SENDING = "sending"
    SENT = "sent"
    GONE = "gone"


class UploadSettings(msgspec.Struct, omit_defaults=True, frozen=True):
    """How to read a file: what its rows do not say themselves, and the fields of its unknown columns by heading."""

    kind: str = ""
    scam_type: str = ""
    tlp: str = ""
    country: str = ""
    date_order: str = ""
    columns: dict[str, str] = {}


class UploadReport(msgspec.Struct, omit_defaults=True, frozen=True):
    """The results of reading and sending a file: numbers of rows by state, parts that were not read, and an error.

    ``remembered`` are the columns that an earlier choice of the partner named, with their fields.
    """

    counts: dict[str, int] = {}
    not_read: list[dict[str, Any]] = []
    remembered: dict[str, str] = {}
    error: str = ""
    # Rows that are not released, by state and reason; a message of each reason; and until when sending waits.
    reasons: dict[str, dict[str, int]] = {}
    messages: dict[str, str] = {}
    waits: int = 0


class Upload(NamedTuple):
    """A file that a partner uploads. Moments are in microseconds."""

    id: str
    partner: str
    by: str
    role: str
    name: str
    size: int
    received: int
    expires: int
    state: State
    has_file: bool
    settings: UploadSettings
    report: UploadReport
    reading: int
    attempts: int
    lease: int
    holder: str
    begun: int
    done: int

    @property
    def actor(self) -> Actor:
        """The person who works on it, as an actor of operations."""
        return Actor(self.by, self.role, self.partner)

    @property
    def is_open(self) -> bool:
        """Return whether its rows can be changed."""
        return self.state in (State.READY, State.FAILED)


class UnknownUpload(LookupError):
    """The partner has no such upload: another partner's gives the same error."""


class UploadChanged(ValueError):
    """The upload is in another state by now."""


_COLUMNS = tuple(uploads.c[name] for name in Upload._fields)
_IN_USE = (State.RECEIVING, State.WAITING, State.READY, State.FAILED, State.SENDING)


def add(tx: Tx, partner: str, actor: Actor, name: str, size: int, settings: UploadSettings) -> str:
    """Add an upload whose bytes follow, and return its id."""
    moment = now()
    row: dict[str, Any] = {
        "id": secrets.token_urlsafe(18),
        "partner": partner,
        "by": actor.name,
        "role": actor.right,
        "name": name,
    }
    row |= {"size": size, "received": moment, "expires": moment + DAYS * _DAY, "state": State.RECEIVING}
    row |= {"has_file": True, "settings": msgspec.json.encode(settings), "report": b"{}"}
    tx.execute(insert(uploads).values(row))
    return str(row["id"])


def find(tx: Tx, id_: str, partner: str | None = None) -> Upload:
    """Return an upload, of the partner if one is given; in a write transaction it is locked.

    Raises ``UnknownUpload``.
    """
    mine = [_u.id == id_, _u.state != State.GONE]
    if partner is not None:
        mine.append(_u.partner == partner)
    row = tx.execute(select(*_COLUMNS).where(*mine).with_for_update()).first()
    if row is None:
        raise UnknownUpload(f"{id_}: there is no such upload")
    return _upload(row)


def of_partner(tx: Tx, partner: str) -> list[Upload]:
    """Return the uploads of a partner, the newest first."""
    asked = select(*_COLUMNS).where(_u.partner == partner, _u.state != State.GONE)
    return [_upload(row) for row in tx.execute(asked.order_by(_u.received.desc(), _u.id).limit(100))]


class Held(NamedTuple):
    """The number of a partner's uploads that are not sent yet, of all its uploads, and the bytes of stored files."""

    open: int
    all: int
    bytes: int


def held(tx: Tx, partner: str) -> Held:
    """Return what a partner's uploads take up."""
    mine = of_partner(tx, partner)
    return Held(
        sum(upload.state in _IN_USE for upload in mine),
        len(mine),
        sum(upload.size for upload in mine if upload.has_file),
    )


def change(tx: Tx, id_: str, **values: Any) -> None:
    """Store changed columns of an upload."""
    tx.execute(update(uploads).where(_u.id == id_).values(_encoded(values)))


def claim(
    tx: Tx, states: Sequence[State], holder: str, most_of_one: int = 1, most_bytes: int | None = None
) -> Upload | None:
    """Lease the next upload in these states to a worker, or return None.

    Partners take turns: one that was served longest ago is next. ``most_of_one`` is the number of uploads of one
    partner that workers may have at once; larger files than ``most_bytes`` are left to others.
    """
    moment = now()
    asked = select(_u.id, _u.partner).where(*_claimable(states, moment, most_bytes))
    served = select(_u.partner, func.max(_u.begun).label("last")).group_by(_u.partner).subquery()
    asked = asked.join(served, served.c.partner == _u.partner).order_by(served.c.last, _u.received, _u.id)
    for id_, partner in tx.execute(asked.limit(100)).all():
        busy = select(func.count()).where(
            _u.partner == partner, _u.state.in_(states), _u.lease >= moment, _u.holder != ""
        )
        if int(tx.execute(busy).scalar_one()) >= most_of_one:
            continue
        mine = (_u.id == id_, _u.state.in_(states), _u.lease < moment)
        values = {"lease": moment + LEASE, "holder": holder, "begun": moment, "attempts": _u.attempts + 1}
        if tx.execute(update(uploads).where(*mine).values(values)).rowcount:
            return find(tx, id_)
    return None


def has_work(tx: Tx, states: Sequence[State], most_bytes: int | None = None) -> bool:
    """Return whether a worker may claim an upload in these states, of at most ``most_bytes`` if given."""
    return tx.execute(claimable(states, now(), most_bytes).limit(1)).first() is not None


def claimable(states: Sequence[State], moment: int, most_bytes: int | None = None) -> Select[Any]:
    """Return the statement that finds the uploads that ``has_work`` is about."""
    return select(_u.id).where(*_claimable(states, moment, most_bytes))


def _claimable(states: Sequence[State], moment: int, most_bytes: int | None) -> list[ColumnElement[bool]]:
    small = [] if most_bytes is None else [_u.size <= most_bytes]
    return [_u.state.in_(states), _u.lease < moment, *small]


def renew(tx: Tx, upload: Upload, **values: Any) -> bool:
    """Keep the lease, and store changed columns; return False if the upload was taken away from the worker."""
    mine = (_u.id == upload.id, _u.state == upload.state, _u.holder == upload.holder, _u.reading == upload.reading)
    values = {"lease": now() + LEASE, **_encoded(values)}
    return bool(tx.execute(update(uploads).where(*mine).values(values)).rowcount)


def release(tx: Tx, upload: Upload, lease: int = 0) -> None:
    """End the lease of a worker; the next one may begin at ``lease``."""
    mine = (_u.id == upload.id, _u.holder == upload.holder)
    tx.execute(update(uploads).where(*mine).values(lease=lease, holder=""))


def fail(tx: Tx, upload: Upload, error: str) -> None:
    """End an upload that a worker cannot read."""
    report = UploadReport(error=error)
    renew(tx, upload, state=State.FAILED, report=report, holder="", lease=0, attempts=0, done=0)


# The bytes of the file


def add_piece(tx: Tx, upload: str, number: int, body: bytes) -> None:
    """Store the next compressed piece of a file."""
    tx.execute(insert(upload_pieces).values(upload=upload, number=number, body=body))


def piece(tx: Tx, upload: str, number: int) -> bytes | None:
    """Return a compressed piece of a file, None after the last."""
    body = tx.execute(select(_p.body).where(_p.upload == upload, _p.number == number)).scalar()
    return None if body is None else bytes(body)


# Remembered columns


class NamedColumn(NamedTuple):
    """A column that a partner named: its heading as written, and the field that it fills."""

    heading: str
    shown: str
    field: str
    by: str
    at: int


def named_columns(tx: Tx, partner: str) -> list[NamedColumn]:
    """Return the columns that a partner named, by heading."""
    asked = select(_c.heading, _c.shown, _c.field, _c.by, _c.at).where(_c.partner == partner).order_by(_c.heading)
    return [NamedColumn(*row) for row in tx.execute(asked)]


def name_column(tx: Tx, partner: str, column: NamedColumn) -> None:
    """Remember the field of a column, in place of an earlier choice."""
    forget_column(tx, partner, column.heading)
    tx.execute(insert(upload_columns).values(partner=partner, **column._asdict()))


def forget_column(tx: Tx, partner: str, heading: str) -> bool:
    """Forget the field of a column; return whether it was known."""
    mine = (_c.partner == partner, _c.heading == heading)
    return bool(tx.execute(delete(upload_columns).where(*mine)).rowcount)


# Removal


def expire(tx: Tx) -> int:
    """End uploads that expired, or whose bytes never came completely; return their number.

    One that is being sent does not expire: a quota may let its rows wait for weeks.
    """
    moment = now()
    expired = (_u.expires < moment) & (_u.state != State.SENDING)
    over = or_(expired, (_u.state == State.RECEIVING) & (_u.received < moment - _DAY // 24))
    ended = update(uploads).where(over, _u.state != State.GONE).values(state=State.GONE, has_file=False, holder="")
    return tx.execute(ended).rowcount


def sweep(tx: Tx, most: int = 50) -> int:
    """Remove some pieces and rows that no upload needs any longer; return their number."""
    without = select(_u.id).where(_u.has_file.is_(False))
    pieces = tx.execute(select(_p.upload, _p.number).where(_p.upload.in_(without)).limit(most)).all()
    for upload, number in pieces:
        tx.execute(delete(upload_pieces).where(_p.upload == upload, _p.number == number))
    stale = or_(_u.state == State.GONE, (_r.reading != _u.reading) & (_u.holder == ""))
    asked = select(_r.upload, _r.reading, _r.number).join(uploads, _u.id == _r.upload).where(stale).limit(most)
    blocks = tx.execute(asked).all()
    for upload, reading, number in blocks:
        tx.execute(delete(upload_rows).where(_r.upload == upload, _r.reading == reading, _r.number == number))
    if pieces or blocks:
        return len(pieces) + len(blocks)
    gone = select(_u.id).where(_u.state == State.GONE, _u.has_file.is_(False)).limit(most)
    return tx.execute(delete(uploads).where(_u.id.in_(gone))).rowcount


def end_for_erasure(tx: Tx) -> int:
    """Remove the bytes of all files, which an erasure cannot search; return the number of pieces.

    The rows of files that were read are searched like other tables; files that were not read yet cannot be used.
    """
    unread = (State.RECEIVING, State.WAITING)
    values = {"state": State.FAILED, "report": msgspec.json.encode(UploadReport(error="erased")), "holder": ""}
    tx.execute(update(uploads).where(_u.state.in_(unread)).values(values))
    tx.execute(update(uploads).values(has_file=False))
    return tx.execute(delete(upload_pieces)).rowcount


def _encoded(values: dict[str, Any]) -> dict[str, Any]:
    """Return values of columns, the settings and the report as JSON."""
    structs = (UploadSettings, UploadReport)
    return {name: msgspec.json.encode(given) if isinstance(given, structs) else given for name, given in values.items()}


def _upload(row: Any) -> Upload:
    found = Upload._make(row)
    return found._replace(
        state=State(found.state),
        has_file=bool(found.has_file),
        settings=msgspec.json.decode(bytes(row.settings), type=UploadSettings),
        report=msgspec.json.decode(bytes(row.report), type=UploadReport),
    )
