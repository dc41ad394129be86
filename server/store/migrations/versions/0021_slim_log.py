"""A slim log: numbers for ids and types, compressed bodies, one log for both variants of a shared collection.

Every row keeps its date_added, its version and its body. A full variant's rows come into the log of the plain one, and
stay rows of their own. What was in the value index of reports, and in the tables of listings and of private objects, is
in the log from now on.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

from server.store.objects import additions, bodies, object_ids
from server.store import subjects
from server.store.database.engine import LOCKED
from server.store.objects.parts import FULL, PLAIN
from server.store.database.sql import among

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_AT_ONCE = 2_000
_FULL = "-full"

_before = sa.table(
    "objects_before",
    *map(
        sa.column,
        ("collection", "date_added", "id", "type", "spec_version", "version", "revoked", "latest", "legacy", "body"),
    ),
)
_collections = sa.table(
    "collections", *map(sa.column, ("number", "alias", "kind", "log", "part", "objects", "last_added"))
)
_listings = sa.table("listings", sa.column("subject"), sa.column("id"))
_value_index = sa.table("value_index", sa.column("subject"), sa.column("inbox_key"))


def upgrade() -> None:
    bind = op.get_bind()
    _set_aside(bind)
    _create()
    places = _give_logs(bind)
    op.create_index("ix_value_index_inbox_key", "value_index", ["inbox_key"])
    for rows in _batches(bind):
        _move(bind, rows, places)
    _count(bind, places)
    op.drop_index("ix_value_index_inbox_key", "value_index")
    for table in ("objects_before", "listings", "private_objects"):
        op.drop_table(table)


def downgrade() -> None:
    raise NotImplementedError("restore the backup that was made before the upgrade")


def _set_aside(bind: sa.Connection) -> None:
    op.drop_index("ix_objects_latest", "objects")
    op.rename_table("objects", "objects_before")
    if bind.dialect.name != "sqlite":
        for name in ("pk_objects", "uq_objects_collection_id_spec_version_version", "fk_objects_collection"):
            op.execute(f"ALTER TABLE objects_before RENAME CONSTRAINT {name} TO {name}_before")


def _create() -> None:
    op.create_table(
        "objects",
        sa.Column("date_added", sa.BigInteger(), nullable=False),
        sa.Column("id_high", sa.BigInteger(), nullable=False),
        sa.Column("id_low", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("observable_high", sa.BigInteger(), nullable=True),
        sa.Column("observable_low", sa.BigInteger(), nullable=True),
        sa.Column("relationship_high", sa.BigInteger(), nullable=True),
        sa.Column("relationship_low", sa.BigInteger(), nullable=True),
        sa.Column("relationship_version", sa.BigInteger(), nullable=True),
        sa.Column("collection", sa.Integer(), nullable=False),
        sa.Column("space", sa.Integer(), nullable=False),
        sa.Column("type", sa.SmallInteger(), nullable=False),
        sa.Column("observable_type", sa.SmallInteger(), nullable=False),
        sa.Column("spec_version", sa.SmallInteger(), nullable=False),
        sa.Column("parts", sa.SmallInteger(), nullable=False),
        sa.Column("latest", sa.SmallInteger(), nullable=False),
        sa.Column("legacy", sa.SmallInteger(), nullable=False),
        sa.Column("revoked", sa.Boolean(), nullable=False),
        sa.Column("type_name", sa.Text(), nullable=True),
        sa.Column("id_text", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["collection"], ["collections.number"], name=op.f("fk_objects_collection")),
        sa.PrimaryKeyConstraint("collection", "date_added", "parts", name=op.f("pk_objects")),
    )
    latest = ["collection", "date_added", "type", "latest", "observable_type"]
    _index("ix_objects_latest", latest, "latest > 0")
    _index("ix_objects_id", ["id_high", "collection", "space"])
    _index("ix_objects_value", ["value"], "value IS NOT NULL")
    _index("ix_objects_observable", ["observable_high"], "observable_high IS NOT NULL")
    _index("ix_objects_relationship", ["relationship_high"], "relationship_high IS NOT NULL")
    op.create_table(
        "dictionaries",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("made", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_dictionaries")),
    )


def _index(name: str, columns: list[str], where: str | None = None) -> None:
    partial = sa.text(where) if where else None
    op.create_index(name, "objects", columns, sqlite_where=partial, postgresql_where=partial)


def _give_logs(bind: sa.Connection) -> dict[int, tuple[int, int]]:
    """Set the log of each collection, and return that and its bit by the collection's number."""
    for name, type_, default in (("log", "INTEGER", 0), ("part", "SMALLINT", 1), ("objects", "BIGINT", 0)):
        op.execute(f"ALTER TABLE collections ADD COLUMN {name} {type_} NOT NULL DEFAULT {default}")
    op.create_index("ix_collections_log", "collections", ["log"])
    rows = bind.execute(sa.select(_collections.c.number, _collections.c.alias, _collections.c.kind)).all()
    plain = {alias: number for number, alias, kind in rows if kind == "released"}
    places = {}
    for number, alias, kind in rows:
        of_plain = plain.get(alias.removesuffix(_FULL)) if kind == "released" and alias.endswith(_FULL) else None
        places[number] = (number, PLAIN) if of_plain is None else (of_plain, FULL)
    for number, (log, part) in places.items():
        bind.execute(sa.update(_collections).where(_collections.c.number == number).values(log=log, part=part))
    return places


def _batches(bind: sa.Connection) -> Iterator[list[Any]]:
    """Yield the rows as they were, some at a time, in their order."""
    at = (-1, -1)
    while True:
        row = sa.tuple_(_before.c.collection, _before.c.date_added)
        asked = sa.select(*_before.c).where(row > sa.tuple_(*at)).order_by(_before.c.collection, _before.c.date_added)
        found = list(bind.execute(asked.limit(_AT_ONCE)))
        if not found:
            return
        yield found
        at = (found[-1].collection, found[-1].date_added)


def _move(bind: sa.Connection, rows: list[Any], places: Mapping[int, tuple[int, int]]) -> None:
    values, numbers = _values_of(bind, [row.id for row in rows if "indicator--" in row.id])
    bind.info.pop(LOCKED, None)
    packed = bodies.of(bind).packer()
    exchanges = set(bind.scalars(sa.select(_collections.c.number).where(_collections.c.kind == "exchange")))
    written = []
    for row in rows:
        log, part = places[row.collection]
        name = object_ids.pack(row.id, row.type)
        as_it_is = row.collection in exchanges and row.body[:1] == b"{"
        written.append(
            (
                *(row.date_added, name.high, name.low, numbers.get(values.get(row.id, "")), row.version),
                *(None, None, None, None, None),
                *(log, name.space, name.type, 0, object_ids.spec_number(row.spec_version)),
                *(part, part if row.latest else 0, part if row.legacy else 0, bool(row.revoked)),
                *(name.type_name, name.text, bytes(row.body) if as_it_is else packed.pack(bytes(row.body))),
            )
        )
    additions.INSERT.run(bind, written)


def _values_of(bind: sa.Connection, ids: list[str]) -> tuple[dict[str, str], dict[str, int]]:
    """Return by id, or key in the inbox, the value of a listing or a report, and the numbers of values.

    A report's value leaves the value index.
    One that was about several values, in its versions, stays there with all of them.
    """
    found: dict[str, str] = {}
    listed = sa.select(_listings.c.id, _listings.c.subject).where(among(_listings.c.id, "ids"))
    found.update((id_, subject) for id_, subject in bind.execute(listed, {"ids": ids}))
    about: dict[str, list[str]] = {}
    mentions = sa.select(_value_index.c.inbox_key, _value_index.c.subject).where(
        among(_value_index.c.inbox_key, "keys")
    )
    for key, subject in bind.execute(mentions, {"keys": ids}):
        if ":" in subject:
            about.setdefault(key, []).append(subject)
    moved = {key: named[0] for key, named in about.items() if len(named) == 1}
    if moved:
        bind.execute(
            sa.delete(_value_index).where(
                _value_index.c.inbox_key == sa.bindparam("key"), _value_index.c.subject == sa.bindparam("of")
            ),
            [{"key": key, "of": subject} for key, subject in moved.items()],
        )
    named = {subject for subjects_of_key in about.values() for subject in subjects_of_key}
    return found | moved, subjects.lock(bind, {*found.values(), *named})


def _count(bind: sa.Connection, places: Mapping[int, tuple[int, int]]) -> None:
    """Count the objects of each collection."""
    for number, (log, part) in places.items():
        counted = sa.text("SELECT count(*) FROM objects WHERE collection = :log AND latest > 0 AND (latest & :part) > 0")
        objects = bind.execute(counted, {"log": log, "part": part}).scalar_one()
        bind.execute(sa.update(_collections).where(_collections.c.number == number).values(objects=objects))
