"""Tables of requests between institutions, of their parties, and of their steps."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "requests",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("earlier", sa.Text()),
        sa.Column("hop", sa.Integer(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("addressee", sa.Text()),
        sa.Column("sent_as", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("agreed", sa.Text()),
        sa.Column("done", sa.Text()),
        sa.Column("opened", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("deadline", sa.BigInteger(), nullable=False),
        sa.Column("reminded", sa.Boolean(), nullable=False),
        sa.Column("hold", sa.Text()),
        sa.Column("hold_until", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requests")),
    )
    op.create_index("requests_by_state", "requests", ["state", "deadline"])
    op.create_index("requests_of_sender", "requests", ["sender", "sent_as"], unique=True)
    op.create_index("requests_opened", "requests", ["sender", "opened"])
    op.create_index("requests_of_sender_by_state", "requests", ["sender", "state"])
    op.create_index("requests_of_chain", "requests", ["chain"])
    op.create_index("requests_of_subject", "requests", ["subject"])
    op.create_index("requests_holding", "requests", ["hold_until"])
    op.create_table(
        "request_parties",
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("opened", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name=op.f("fk_request_parties_request"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("partner", "request", name=op.f("pk_request_parties")),
    )
    op.create_index("request_parties_by_time", "request_parties", ["partner", "opened"])
    op.create_index("request_parties_of_request", "request_parties", ["request"])
    op.create_table(
        "request_steps",
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("amount", sa.Text()),
        sa.Column("currency", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("went_to", sa.Text()),
        sa.Column("sent_as", sa.Text()),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name=op.f("fk_request_steps_request"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("request", "number", name=op.f("pk_request_steps")),
    )


def downgrade() -> None:
    raise NotImplementedError("restore the backup that was made before the upgrade")
