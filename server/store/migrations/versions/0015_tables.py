"""The tables, as one migration: it makes them in an empty database, and renames those of a store of revision 0014.

It takes the place of revisions 0001 to 0014, which no released version had.
"""

import secrets
import time
import uuid

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = {
    "allowances": "quotas",
    "brakes": "throttles",
    "files_seen": "files_read",
    "hub": "hub_identity",
    "mentions": "value_index",
    "personal_rooms": "private_objects",
    "positions": "read_positions",
}
# By the tables' new names.
_COLUMNS = (
    ("first_reads", "given", "read_up_to"),
    ("read_positions", "given", "read_up_to"),
    ("reviews", "settled", "upheld"),
    ("value_index", "object_id", "inbox_key"),
    ("volumes", "taken", "received"),
)
_CONSTRAINTS = (
    *((new, f"pk_{old}", f"pk_{new}") for old, new in _TABLES.items()),
    ("private_objects", "fk_personal_rooms_collection", "fk_private_objects_collection"),
    ("quotas", "fk_allowances_partner", "fk_quotas_partner"),
)


def upgrade() -> None:
    if sa.inspect(op.get_bind()).has_table("objects"):
        _rename()
    else:
        _create()


def downgrade() -> None:
    raise NotImplementedError(
        "there is no revision before this one; restore the backup that was made before the upgrade"
    )


def _rename() -> None:
    """Bring the tables of revision 0014 to the present names; every row stays."""
    for old, new in _TABLES.items():
        op.rename_table(old, new)
    for table, old, new in _COLUMNS:
        # Said plainly: Alembic would copy the whole table on SQLite.
        op.execute(f'ALTER TABLE {table} RENAME COLUMN "{old}" TO "{new}"')
    if op.get_bind().dialect.name != "sqlite":
        for table, old, new in _CONSTRAINTS:
            op.execute(f"ALTER TABLE {table} RENAME CONSTRAINT {old} TO {new}")
    op.execute("UPDATE collections SET kind = 'private' WHERE kind = 'personal'")
    _create_migration_lock()
    op.drop_table("migration_gate")


def _create_migration_lock() -> None:
    op.create_table(
        "migration_lock",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_migration_lock")),
        # On PostgreSQL it is there already: whoever migrates waits at its row.
        if_not_exists=True,
    )


def _create() -> None:
    op.create_table(
        "audit",
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=True),
        sa.Column("remote", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("collection", sa.Text(), nullable=True),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("objects", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("chain", "number", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_first", "audit", ["first"], unique=False)
    op.create_table(
        "audit_ends",
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("chain", name=op.f("pk_audit_ends")),
    )
    op.create_table(
        "audit_starts",
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("chain", name=op.f("pk_audit_starts")),
    )
    op.create_table(
        "calibrations",
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("judge", sa.Text(), nullable=False),
        sa.Column("confirmed", sa.BigInteger(), nullable=False),
        sa.Column("wrong", sa.BigInteger(), nullable=False),
        sa.Column("brier_sum", sa.Float(), nullable=False),
        sa.Column("credit", sa.Float(), nullable=False),
        sa.Column("debit", sa.Float(), nullable=False),
        sa.Column("loss", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("partner", "kind", "judge", name=op.f("pk_calibrations")),
    )
    op.create_table(
        "checkpoints",
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("saved", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("feed", name=op.f("pk_checkpoints")),
    )
    op.create_table(
        "collections",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("alias", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("last_added", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("use", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_collections")),
        sa.UniqueConstraint("alias", name=op.f("uq_collections_alias")),
        sa.UniqueConstraint("id", name=op.f("uq_collections_id")),
        sa.UniqueConstraint("title", name=op.f("uq_collections_title")),
    )
    op.create_index("ix_collections_owner", "collections", ["owner", "use"], unique=True)
    op.create_table(
        "dead_letters",
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("feed", "id", name=op.f("pk_dead_letters")),
    )
    op.create_table(
        "delisted",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_delisted")),
    )
    op.create_table(
        "deliveries",
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("delivered", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("feed", "partner", "object_id", "version", name=op.f("pk_deliveries")),
    )
    op.create_table(
        "feed_states",
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("started", sa.BigInteger(), nullable=True),
        sa.Column("ended", sa.BigInteger(), nullable=True),
        sa.Column("succeeded", sa.BigInteger(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("retry_at", sa.BigInteger(), nullable=False),
        sa.Column("stopped", sa.BigInteger(), nullable=True),
        sa.Column("runs", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("read", sa.BigInteger(), nullable=False),
        sa.Column("accepted", sa.BigInteger(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("feed", name=op.f("pk_feed_states")),
    )
    op.create_table(
        "files_read",
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("feed", "digest", name=op.f("pk_files_read")),
    )
    op.create_table(
        "first_reads",
        sa.Column("collection", sa.Text(), nullable=False),
        sa.Column("read_up_to", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("collection", "read_up_to", name=op.f("pk_first_reads")),
    )
    op.create_table(
        "focal_points",
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("function", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("partner", "function", name=op.f("pk_focal_points")),
    )
    hub_identity = op.create_table(
        "hub_identity",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("modified", sa.BigInteger(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_hub_identity")),
    )
    op.create_table(
        "leases",
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("feed", name=op.f("pk_leases")),
    )
    op.create_table(
        "listings",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("track", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "track", "number", name=op.f("pk_listings")),
    )
    op.create_index("ix_listings_id", "listings", ["id"], unique=True)
    _create_migration_lock()
    op.create_table(
        "partners",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("space", sa.Integer(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("trusted", sa.Boolean(), nullable=False),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("institutions", sa.Text(), nullable=False),
        sa.Column("forwards", sa.Boolean(), nullable=False),
        sa.Column("named", sa.Boolean(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=True),
        sa.Column("modified", sa.BigInteger(), nullable=False),
        sa.Column("left", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_partners")),
        sa.UniqueConstraint("identity", name=op.f("uq_partners_identity")),
    )
    op.create_index("ix_partners_space", "partners", ["space"], unique=True)
    op.create_table(
        "published_ids",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_published_ids")),
    )
    op.create_table(
        "read_positions",
        sa.Column("collection", sa.Text(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("read_up_to", sa.BigInteger(), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("collection", "partner", name=op.f("pk_read_positions")),
    )
    op.create_table(
        "receipts",
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("collection", sa.Text(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("opened", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("closed", sa.BigInteger(), nullable=True),
        sa.Column("how", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("object_id", "collection", "partner", name=op.f("pk_receipts")),
    )
    op.create_index(
        "ix_receipts_open",
        "receipts",
        ["partner", "collection", "revoked_at", "opened"],
        unique=False,
        sqlite_where=sa.text("closed IS NULL"),
        postgresql_where=sa.text("closed IS NULL"),
    )
    op.create_index("ix_receipts_opened", "receipts", ["opened"], unique=False)
    op.create_table(
        "retractions",
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("collection", sa.Text(), nullable=False),
        sa.Column("opened", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("object_id", "collection", name=op.f("pk_retractions")),
    )
    op.create_index("ix_retractions_opened", "retractions", ["opened"], unique=False)
    op.create_table(
        "reviews",
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("opened", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("decided", sa.BigInteger(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("upheld", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("object_id", name=op.f("pk_reviews")),
    )
    op.create_index("ix_reviews_state", "reviews", ["state", "opened"], unique=False)
    op.create_index("ix_reviews_subject", "reviews", ["subject"], unique=False)
    op.create_table(
        "runs",
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("started", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("ended", sa.BigInteger(), nullable=False),
        sa.Column("read", sa.BigInteger(), nullable=False),
        sa.Column("accepted", sa.BigInteger(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("unread", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("feed", "started", "id", name=op.f("pk_runs")),
    )
    op.create_table(
        "throttles",
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("lifted", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("partner", name=op.f("pk_throttles")),
    )
    op.create_table(
        "value_index",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("inbox_key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "inbox_key", name=op.f("pk_value_index")),
    )
    op.create_table(
        "volumes",
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.Column("doubts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("partner", "day", name=op.f("pk_volumes")),
    )
    op.create_table(
        "warnings",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_warnings")),
    )
    op.create_table(
        "certificates",
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["partner"], ["partners.name"], name=op.f("fk_certificates_partner")),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_certificates")),
    )
    op.create_table(
        "credentials",
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["partner"], ["partners.name"], name=op.f("fk_credentials_partner")),
        sa.PrimaryKeyConstraint("partner", "token_hash", name=op.f("pk_credentials")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_credentials_token_hash")),
    )
    op.create_table(
        "grants",
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("collection", sa.Integer(), nullable=False),
        sa.Column("can_read", sa.Boolean(), nullable=False),
        sa.Column("can_write", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["collection"], ["collections.number"], name=op.f("fk_grants_collection")),
        sa.ForeignKeyConstraint(["partner"], ["partners.name"], name=op.f("fk_grants_partner")),
        sa.PrimaryKeyConstraint("partner", "collection", name=op.f("pk_grants")),
    )
    op.create_table(
        "objects",
        sa.Column("collection", sa.Integer(), nullable=False),
        sa.Column("date_added", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("spec_version", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("revoked", sa.Boolean(), nullable=False),
        sa.Column("latest", sa.Boolean(), nullable=False),
        sa.Column("legacy", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["collection"], ["collections.number"], name=op.f("fk_objects_collection")),
        sa.PrimaryKeyConstraint("collection", "date_added", name=op.f("pk_objects")),
        sa.UniqueConstraint(
            "collection", "id", "spec_version", "version", name=op.f("uq_objects_collection_id_spec_version_version")
        ),
    )
    op.create_index(
        "ix_objects_latest",
        "objects",
        ["collection", "date_added", "type"],
        unique=False,
        sqlite_where=sa.text("latest"),
        postgresql_where=sa.text("latest"),
    )
    op.create_table(
        "own_values",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["partner"], ["partners.name"], name=op.f("fk_own_values_partner")),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_own_values")),
    )
    op.create_table(
        "private_objects",
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("collection", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["collection"], ["collections.number"], name=op.f("fk_private_objects_collection")),
        sa.PrimaryKeyConstraint("object_id", "collection", name=op.f("pk_private_objects")),
    )
    op.create_table(
        "quotas",
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("began", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["partner"], ["partners.name"], name=op.f("fk_quotas_partner")),
        sa.PrimaryKeyConstraint("partner", "unit", name=op.f("pk_quotas")),
    )
    op.create_table(
        "rewrites",
        sa.Column("collection", sa.Integer(), nullable=False),
        sa.Column("span", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["collection"], ["collections.number"], name=op.f("fk_rewrites_collection")),
        sa.PrimaryKeyConstraint("collection", "span", name=op.f("pk_rewrites")),
    )
    op.create_table(
        "statuses",
        sa.Column("api_root", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["partner"], ["partners.name"], name=op.f("fk_statuses_partner")),
        sa.PrimaryKeyConstraint("api_root", "id", name=op.f("pk_statuses")),
    )
    op.create_index("ix_statuses_created", "statuses", ["created"], unique=False)
    # Two hubs publish different objects for the same value, so their identities and secrets differ.
    now = time.time_ns() // 1000
    hub = {"number": 1, "identity": f"identity--{uuid.uuid4()}", "name": "Scamfeed", "created": now, "modified": now}
    op.bulk_insert(hub_identity, [hub | {"secret": secrets.token_bytes(32)}])
