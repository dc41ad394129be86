"""Whose own each collection is, by its owner; a space for each partner's contributions; and the hub's secret."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_TITLES = {"For ": "for", "Outcomes of ": "outcomes"}


def upgrade() -> None:
    op.add_column("collections", sa.Column("owner", sa.Text(), nullable=True))
    op.add_column("collections", sa.Column("use", sa.Text(), nullable=True))
    op.add_column("partners", sa.Column("space", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.add_column("hub", sa.Column("secret", sa.LargeBinary(), nullable=False, server_default=sa.text("''")))
    _own()
    tx = op.get_bind()
    names = tx.execute(sa.text("SELECT name FROM partners ORDER BY created, name")).scalars().all()
    for number, name in enumerate(names, 1):
        tx.execute(sa.text("UPDATE partners SET space = :number WHERE name = :name"), {"number": number, "name": name})
    op.create_index("ix_partners_space", "partners", ["space"], unique=True)
    op.create_index("ix_collections_owner", "collections", ["owner", "use"], unique=True)
    hub = sa.table("hub", sa.column("secret", sa.LargeBinary()))
    tx.execute(sa.update(hub).values(secret=secrets.token_bytes(32)))


def downgrade() -> None:
    op.drop_column("hub", "secret")
    op.drop_index("ix_collections_owner", "collections")
    op.drop_index("ix_partners_space", "partners")
    op.drop_column("partners", "space")
    op.drop_column("collections", "use")
    op.drop_column("collections", "owner")


def _own() -> None:
    """Give each personal collection to whom its title names; nobody else keeps a right to it.

    Aliases could be the same for two partners. Titles could not.
    """
    tx = op.get_bind()
    names = set(tx.execute(sa.text("SELECT name FROM partners")).scalars())
    found = tx.execute(sa.text("SELECT number, title FROM collections WHERE kind = 'personal'")).all()
    for number, title in found:
        for start, use in _TITLES.items():
            name = title.removeprefix(start)
            if title.startswith(start) and name in names:
                what = {"number": number, "name": name, "use": use}
                tx.execute(sa.text('UPDATE collections SET owner = :name, "use" = :use WHERE number = :number'), what)
                tx.execute(sa.text("DELETE FROM grants WHERE collection = :number AND partner <> :name"), what)
