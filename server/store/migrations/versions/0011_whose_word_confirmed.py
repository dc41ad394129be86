"""How right partners were, by whose word: what one judge adds is bounded, and a low confidence costs nobody anything."""

from math import sqrt

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_OLD = sa.table(
    "calibration", *(sa.column(name) for name in ("partner", "kind", "confirmed", "wrong", "brier_sum", "judged"))
)


def upgrade() -> None:
    made = op.create_table(
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
    for row in op.get_bind().execute(sa.select(_OLD)).all():
        stated = _stated(row.confirmed, row.wrong, row.brier_sum)
        said = {name: getattr(row, name) for name in ("partner", "kind", "confirmed", "wrong", "brier_sum")}
        sums = {"credit": row.confirmed * stated, "debit": row.wrong * stated, "loss": row.wrong * stated**2}
        # Whose word it was is not known any more: it counts as the hub's own.
        op.get_bind().execute(sa.insert(made).values(**said, judge="", **sums))
    op.drop_table("calibration")


def downgrade() -> None:
    made = op.create_table(
        "calibration",
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("confirmed", sa.BigInteger(), nullable=False),
        sa.Column("wrong", sa.BigInteger(), nullable=False),
        sa.Column("brier_sum", sa.Float(), nullable=False),
        sa.Column("judged", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("partner", "kind", name=op.f("pk_calibration")),
    )
    names = ("partner", "kind", "confirmed", "wrong", "brier_sum")
    new = sa.table("calibrations", *(sa.column(name) for name in names))
    totals = [sa.func.sum(new.c[name]).label(name) for name in names[2:]]
    grouped = sa.select(new.c.partner, new.c.kind, *totals).group_by(new.c.partner, new.c.kind)
    for row in op.get_bind().execute(grouped).all():
        said = dict(zip(names, row, strict=True))
        op.get_bind().execute(sa.insert(made).values(**said, judged=row.confirmed + row.wrong))
    op.drop_table("calibrations")


def _stated(confirmed: int, wrong: int, brier_sum: float) -> float:
    """Give the one confidence that, stated in all of the reports, comes to that sum of squares."""
    judged = confirmed + wrong
    if not judged:
        return 0.0
    # judged * s^2 - 2 * confirmed * s + confirmed = brier_sum; of the two solutions the surer one.
    inner = max(confirmed**2 - judged * (confirmed - brier_sum), 0.0)
    # With nothing wrong, s and 2 - s are both solutions, and a confidence is 1 at most.
    surer = (confirmed + sqrt(inner)) / judged
    return min(max(surer if surer <= 1 else (confirmed - sqrt(inner)) / judged, 0.0), 1.0)
