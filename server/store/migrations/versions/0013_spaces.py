"""The inbox by partner and id; under which ids the hub has listed values, and published what speaks of others.

What was published keeps its id. What is published from now on has an id by the hub's secret.
"""

from collections.abc import Iterable, Iterator

import msgspec
import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_BATCH = 2_000
_PASSED_ON = "passed-on:"
# What was in the inbox and was nobody's in particular: observables.
_NOBODYS = 0

# The listings: in collections that the release rules fill, and not contributed under that id.
_LISTED = sa.text("""
INSERT INTO listings (subject, track, number, id)
SELECT subject, track, ROW_NUMBER() OVER (PARTITION BY subject, track ORDER BY first, object_id) - 1, object_id
FROM (
    SELECT m.subject AS subject, COALESCE(c.owner, '') AS track, m.object_id AS object_id, MIN(o.date_added) AS first
    FROM mentions m
    JOIN collections c ON c.kind = 'released' OR (c.kind = 'personal' AND c.owner IS NOT NULL)
    JOIN objects o ON o.collection = c.number AND o.id = m.object_id
    WHERE m.object_id LIKE 'indicator--%'
    AND NOT EXISTS (SELECT 1 FROM objects i WHERE i.collection = :inbox AND i.id = m.object_id)
    GROUP BY m.subject, COALESCE(c.owner, ''), m.object_id
) found
""")
_PUBLISHED = sa.text("""
SELECT i.id FROM objects i
WHERE i.collection = :inbox AND i.latest
AND i.type IN ('sighting', 'opinion', 'note', 'grouping', 'relationship')
AND EXISTS (
    SELECT 1 FROM objects o JOIN collections c ON c.number = o.collection
    WHERE c.kind IN ('released', 'personal') AND o.collection = c.number AND o.id = i.id
)
""")


def upgrade() -> None:
    op.create_table(
        "listings",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("track", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "track", "number", name=op.f("pk_listings")),
    )
    op.create_table(
        "published_ids",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_published_ids")),
    )
    tx = op.get_bind()
    inbox = tx.execute(sa.text("SELECT number FROM collections WHERE kind = 'inbox'")).scalar()
    if inbox is not None:
        tx.execute(_LISTED, {"inbox": inbox})
        _by_partner(tx, inbox)
    op.create_index("ix_listings_id", "listings", ["id"], unique=True)


def downgrade() -> None:
    """Give back the ids without spaces; of what several partners contributed under one id, the first is kept."""
    tx = op.get_bind()
    inbox = tx.execute(sa.text("SELECT number FROM collections WHERE kind = 'inbox'")).scalar()
    if inbox is not None:
        _together(tx, inbox)
    op.drop_index("ix_listings_id", "listings")
    op.drop_table("published_ids")
    op.drop_table("listings")


def _by_partner(tx: sa.Connection, inbox: int) -> None:
    """Put the key of its contributor before the id of all that the inbox has, wherever that stands."""
    spaces: dict[str, int] = {row[0]: row[1] for row in tx.execute(sa.text("SELECT identity, space FROM partners"))}
    passed = sa.text("SELECT subject, object_id FROM mentions WHERE subject LIKE 'passed-on:%'")
    by: dict[str, str] = {}
    for subject, identity in tx.execute(passed):
        id_ = subject.removeprefix(_PASSED_ON)
        by[id_] = min(identity, by.get(id_, identity))
    tx.execute(sa.text("DELETE FROM mentions WHERE subject LIKE 'passed-on:%'"))
    owners: dict[str, int] = {}
    for id_, body in _objects(tx, inbox):
        creator = id_ if id_.startswith("identity--") else msgspec.json.decode(body).get("created_by_ref", "")
        owners[id_] = spaces.get(creator) or spaces.get(by.get(id_, ""), _NOBODYS)
    published = [row[0] for row in tx.execute(_PUBLISHED, {"inbox": inbox})]
    _write(tx, "INSERT INTO published_ids (key, id) VALUES (:key, :id)", _keyed(owners, published))
    _write(
        tx,
        "UPDATE objects SET id = :key WHERE collection = :inbox AND id = :id",
        ({**each, "inbox": inbox} for each in _keyed(owners, owners)),
    )
    listed = {row[0] for row in tx.execute(sa.text("SELECT id FROM listings"))}
    mentioned = tx.execute(sa.text("SELECT subject, object_id FROM mentions")).all()
    tx.execute(sa.text("DELETE FROM mentions"))
    kept = {
        (_subject(subject, owners[id_], listed), f"{owners[id_]}/{id_}")
        for subject, id_ in mentioned
        if owners.get(id_, _NOBODYS) != _NOBODYS
    }
    rows: Iterator[dict[str, object]] = ({"subject": subject, "key": key} for subject, key in sorted(kept))
    _write(tx, "INSERT INTO mentions (subject, object_id) VALUES (:subject, :key)", rows)
    held = [row[0] for row in tx.execute(sa.text("SELECT object_id FROM reviews")) if row[0] in owners]
    _write(tx, "UPDATE reviews SET object_id = :key WHERE object_id = :id", _keyed(owners, held))


def _subject(subject: str, space: int, listed: set[str]) -> str:
    """Give what a contributor speaks of: a value, a listing, or an object of its own."""
    return f"{space}/{subject}" if "--" in subject.partition(":")[0] and subject not in listed else subject


def _keyed(owners: dict[str, int], ids: Iterable[str]) -> Iterator[dict[str, object]]:
    return ({"key": f"{owners[id_]}/{id_}", "id": id_} for id_ in ids)


def _objects(tx: sa.Connection, inbox: int) -> Iterator[tuple[str, bytes]]:
    """Go through the first version of each object of the inbox."""
    after = -1
    asked = sa.text(
        "SELECT date_added, id, body FROM objects WHERE collection = :inbox AND date_added > :after"
        " ORDER BY date_added LIMIT :batch"
    )
    while rows := tx.execute(asked, {"inbox": inbox, "after": after, "batch": _BATCH}).all():
        yield from ((row[1], bytes(row[2])) for row in rows)
        after = rows[-1][0]


def _write(tx: sa.Connection, statement: str, rows: Iterable[dict[str, object]]) -> None:
    batch: list[dict[str, object]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            tx.execute(sa.text(statement), batch)
            batch = []
    if batch:
        tx.execute(sa.text(statement), batch)


def _together(tx: sa.Connection, inbox: int) -> None:
    keys = [row[0] for row in tx.execute(sa.text("SELECT DISTINCT id FROM objects WHERE collection = :inbox"), {"inbox": inbox})]
    first: dict[str, str] = {}
    for key in sorted(keys):
        first.setdefault(key.partition("/")[2], key)
    doubled = [{"key": key, "inbox": inbox} for key in keys if first[key.partition("/")[2]] != key]
    _write(tx, "DELETE FROM objects WHERE collection = :inbox AND id = :key", doubled)
    pairs = [{"key": key, "id": id_, "inbox": inbox} for id_, key in first.items()]
    _write(tx, "UPDATE objects SET id = :id WHERE collection = :inbox AND id = :key", pairs)
    mentioned = tx.execute(sa.text("SELECT subject, object_id FROM mentions")).all()
    listed = tx.execute(sa.text("SELECT subject, id FROM listings")).all()
    tx.execute(sa.text("DELETE FROM mentions"))
    kept = {(subject.rpartition("/")[2] if "--" in subject.partition(":")[0] else subject, key.partition("/")[2]) for subject, key in mentioned}
    kept |= {(subject, id_) for subject, id_ in listed}
    rows = ({"subject": subject, "id": id_} for subject, id_ in sorted(kept))
    _write(tx, "INSERT INTO mentions (subject, object_id) VALUES (:subject, :id)", rows)
    held = [row[0] for row in tx.execute(sa.text("SELECT object_id FROM reviews")) if "/" in row[0]]
    _write(tx, "DELETE FROM reviews WHERE object_id = :key", ({"key": key} for key in held if first.get(key.partition("/")[2]) != key))
    _write(
        tx,
        "UPDATE reviews SET object_id = :id WHERE object_id = :key",
        ({"key": key, "id": key.partition("/")[2]} for key in held if first.get(key.partition("/")[2]) == key),
    )
