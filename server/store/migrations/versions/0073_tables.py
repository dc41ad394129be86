"""All tables of a new store as they are declared, and the first rows. A store of version 0.1.0 gets what it lacks."""

import secrets
import time
import uuid

import sqlalchemy as sa
from alembic import op

from server.store.database.fact_versions import Facts
from server.store.objects.host_pages import number_of
from server.store.release_tables import hub_identity
from server.store.tables import declared, fact_versions

revision = "0073"
down_revision = "0062"
branch_labels = None
depends_on = None


# Partners registered for this long (microseconds) are vouched for.
_KNOWN = 30 * 86_400_000_000
_PAGE = 10_000


def upgrade() -> None:
    """Make the tables, the hub's identity, and the versions of facts; or change the tables of version 0.1.0."""
    if sa.inspect(op.get_bind()).has_table("partners"):
        _change_tables()
        _fill_columns()
    else:
        _make_tables()


def _make_tables() -> None:
    declared().create_all(op.get_bind())
    # Two hubs publish different objects for the same value, so their identities and secrets differ.
    now = time.time_ns() // 1000
    hub = {"number": 1, "identity": f"identity--{uuid.uuid4()}", "name": "Scamfeed", "created": now, "modified": now}
    op.bulk_insert(hub_identity, [hub | {"secret": secrets.token_bytes(32)}])
    op.bulk_insert(fact_versions, [{"name": facts.value, "version": secrets.randbits(63)} for facts in Facts])


def _change_tables() -> None:
    # Digests are computed again from the log when a partner next reads one.
    for table in ("digest_buckets", "digests"):
        op.execute(f"DELETE FROM {table}")  # noqa: S608 - the names are those above
        op.add_column(table, sa.Column("listings", sa.BigInteger(), nullable=False))
    for table, column in (
        ("credentials", sa.Column("password_check", sa.LargeBinary())),
        ("objects", sa.Column("host", sa.BigInteger())),
        ("partners", sa.Column("vouched", sa.Boolean(), nullable=False, server_default=sa.false())),
        ("partners", sa.Column("powers_ended", sa.BigInteger())),
        ("proposals", sa.Column("proposer", sa.LargeBinary())),
        ("proposals", sa.Column("witnesses", sa.LargeBinary())),
        ("requests", sa.Column("named_by", sa.Text())),
        ("requests", sa.Column("withheld", sa.Boolean(), nullable=False, server_default=sa.false())),
        ("volumes", sa.Column("new_values", sa.BigInteger(), nullable=False, server_default="0")),
        ("volumes", sa.Column("new_public_values", sa.BigInteger(), nullable=False, server_default="0")),
    ):
        op.add_column(table, column)
    # What a partner has used belongs to its organisation from now on, which may be no partner; all begin anew.
    op.execute("DELETE FROM quotas")
    with op.batch_alter_table("quotas") as quotas:
        quotas.drop_constraint("fk_quotas_partner", type_="foreignkey")
    op.create_table(
        "exchange_makers",
        sa.Column("collection", sa.Integer(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("collection", "object_id", "partner", name="pk_exchange_makers"),
    )
    op.create_table(
        "former_identities",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("plain_name", sa.Text(), nullable=False),
        sa.Column("address", sa.LargeBinary()),
        sa.Column("subject", sa.LargeBinary()),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_former_identities"),
    )
    op.create_table(
        "frozen_values",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("proposal", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("is_over", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "proposal", name="pk_frozen_values"),
    )
    op.create_table(
        "held_ends",
        sa.Column("review_id", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("sent_by", sa.Text(), nullable=False),
        sa.Column("subjects", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("review_id", name="pk_held_ends"),
    )
    op.create_table(
        "match_seeds",
        sa.Column("generation", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("public", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("generation", name="pk_match_seeds"),
        sa.UniqueConstraint("public", name="uq_match_seeds_public"),
    )
    op.create_table(
        "partner_notices",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("details", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_partner_notices"),
        sa.ForeignKeyConstraint(["partner"], ["partners.name"], name="fk_partner_notices_partner_partners"),
    )
    for table, name, columns, unique in (
        ("former_identities", "ix_former_identities_until", ["until"], False),
        ("frozen_values", "ix_frozen_values_until", ["is_over", "until"], False),
        ("frozen_values", "ix_frozen_values_proposal", ["proposal"], False),
        ("held_ends", "ix_held_ends_about", ["about"], True),
        ("partner_notices", "ix_partner_notices_partner", ["partner", "at"], False),
        ("partner_notices", "ix_partner_notices_at", ["at"], False),
    ):
        op.create_index(name, table, columns, unique=unique)


def _fill_columns() -> None:
    """Vouch for the partners known for a month, and note the host of each listed URL."""
    connection = op.get_bind()
    known = time.time_ns() // 1000 - _KNOWN
    connection.execute(
        sa.text("UPDATE partners SET vouched = :yes WHERE created <= :known"), {"yes": True, "known": known}
    )
    noted = sa.text("UPDATE objects SET host = :host WHERE value = :value AND space = 0")
    page = sa.text("SELECT number, subject FROM subjects WHERE number > :after ORDER BY number LIMIT :most")
    after = -1
    while rows := connection.execute(page, {"after": after, "most": _PAGE}).all():
        hosts = [{"value": number, "host": number_of(subject)} for number, subject in rows]
        if pages := [row for row in hosts if row["host"] is not None]:
            connection.execute(noted, pages)
        after = rows[-1].number
    where = "host IS NOT NULL AND latest > 0 AND NOT revoked"
    op.create_index(
        "ix_objects_host",
        "objects",
        ["host", "collection", "date_added"],
        sqlite_where=sa.text(where),
        postgresql_where=sa.text(where),
    )


def downgrade() -> None:
    """Refuse."""
    raise NotImplementedError("there is no way back to revision 0062; restore the backup made before the upgrade")
