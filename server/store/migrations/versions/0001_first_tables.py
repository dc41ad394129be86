"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
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
        sa.PrimaryKeyConstraint("number", name=op.f("pk_collections")),
        sa.UniqueConstraint("alias", name=op.f("uq_collections_alias")),
        sa.UniqueConstraint("id", name=op.f("uq_collections_id")),
        sa.UniqueConstraint("title", name=op.f("uq_collections_title")),
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
        "files_seen",
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("feed", "digest", name=op.f("pk_files_seen")),
    )
    op.create_table(
        "migration_gate",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_migration_gate")),
        # It is there before the migrations where they wait at it.
        if_not_exists=True,
    )
    op.create_table(
        "partners",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_partners")),
        sa.UniqueConstraint("identity", name=op.f("uq_partners_identity")),
    )
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
        sa.PrimaryKeyConstraint("feed", "started", "id", name=op.f("pk_runs")),
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


def downgrade() -> None:
    op.drop_index("ix_statuses_created", table_name="statuses")
    op.drop_table("statuses")
    op.drop_index(
        "ix_objects_latest", table_name="objects", sqlite_where=sa.text("latest"), postgresql_where=sa.text("latest")
    )
    op.drop_table("objects")
    op.drop_table("grants")
    op.drop_table("credentials")
    op.drop_table("runs")
    op.drop_table("partners")
    op.drop_table("migration_gate")
    op.drop_table("files_seen")
    op.drop_table("deliveries")
    op.drop_table("collections")
    op.drop_table("checkpoints")
