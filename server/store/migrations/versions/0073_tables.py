"""All tables as they are declared, and the first rows. The revisions before this one led to the same tables."""

import secrets
import time
import uuid

from alembic import op

from server.store.database.fact_versions import Facts
from server.store.release_tables import hub_identity
from server.store.tables import declared, fact_versions

revision = "0073"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, the hub's identity, and the versions of facts."""
    declared().create_all(op.get_bind())
    # Two hubs publish different objects for the same value, so their identities and secrets differ.
    now = time.time_ns() // 1000
    hub = {"number": 1, "identity": f"identity--{uuid.uuid4()}", "name": "Scamfeed", "created": now, "modified": now}
    op.bulk_insert(hub_identity, [hub | {"secret": secrets.token_bytes(32)}])
    op.bulk_insert(fact_versions, [{"name": facts.value, "version": secrets.randbits(63)} for facts in Facts])


def downgrade() -> None:
    """Refuse."""
    raise NotImplementedError("there is no revision before this one; restore the backup made before the upgrade")
