"""What the release rules know: what partners may, what waits for a person, and what became of each object."""

import time
import uuid

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_OF_PARTNERS = (
    ("trusted", sa.Boolean(), sa.false()),
    ("authority", sa.Text(), sa.text("'[]'")),
    ("institutions", sa.Text(), sa.text("'[]'")),
    ("forwards", sa.Boolean(), sa.false()),
    ("named", sa.Boolean(), sa.false()),
    ("modified", sa.BigInteger(), sa.text("0")),
)
_MADE = (
    "brakes",
    "volumes",
    "calibration",
    "personal_rooms",
    "focal_points",
    "own_values",
    "first_reads",
    "receipts",
    "retractions",
    "reviews",
    "hub",
)


def upgrade() -> None:
    for name, type_, default in _OF_PARTNERS:
        op.add_column("partners", sa.Column(name, type_, nullable=False, server_default=default))
    op.add_column("partners", sa.Column("left", sa.BigInteger(), nullable=True))
    op.execute("UPDATE partners SET modified = created")
    hub = op.create_table(
        "hub",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("modified", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_hub")),
    )
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
        sa.PrimaryKeyConstraint("object_id", name=op.f("pk_reviews")),
    )
    op.create_index(op.f("ix_reviews_state"), "reviews", ["state", "opened"])
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
    op.create_index(op.f("ix_retractions_opened"), "retractions", ["opened"])
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
    op.create_index(op.f("ix_receipts_opened"), "receipts", ["opened"])
    op.create_index(
        "ix_receipts_open",
        "receipts",
        ["partner", "collection", "revoked_at", "opened"],
        sqlite_where=sa.text("closed IS NULL"),
        postgresql_where=sa.text("closed IS NULL"),
    )
    op.create_table(
        "first_reads",
        sa.Column("collection", sa.Text(), nullable=False),
        sa.Column("given", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("collection", "given", name=op.f("pk_first_reads")),
    )
    op.create_table(
        "own_values",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["partner"], ["partners.name"], name=op.f("fk_own_values_partner")),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_own_values")),
    )
    op.create_table(
        "focal_points",
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("function", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("partner", "function", name=op.f("pk_focal_points")),
    )
    op.create_table(
        "personal_rooms",
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("collection", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["collection"], ["collections.number"], name=op.f("fk_personal_rooms_collection")),
        sa.PrimaryKeyConstraint("object_id", "collection", name=op.f("pk_personal_rooms")),
    )
    op.create_table(
        "calibration",
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("confirmed", sa.BigInteger(), nullable=False),
        sa.Column("wrong", sa.BigInteger(), nullable=False),
        sa.Column("brier_sum", sa.Float(), nullable=False),
        sa.Column("judged", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("partner", "kind", name=op.f("pk_calibration")),
    )
    op.create_table(
        "volumes",
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("taken", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("partner", "day", name=op.f("pk_volumes")),
    )
    op.create_table(
        "brakes",
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("lifted", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("partner", name=op.f("pk_brakes")),
    )
    # Two stores are two hubs: what they say has to differ in its ids.
    now = time.time_ns() // 1000
    one = {"number": 1, "identity": f"identity--{uuid.uuid4()}", "name": "Scamfeed", "created": now, "modified": now}
    op.bulk_insert(hub, [one])


def downgrade() -> None:
    for name in _MADE:
        op.drop_table(name)
    op.drop_column("partners", "left")
    for name, _, _ in reversed(_OF_PARTNERS):
        op.drop_column("partners", name)
