"""The code that Alembic runs for each migration command: on the caller's connection, in the caller's transaction."""

from alembic import context

from server.store.allowlist import tables as _allowlist
from server.store.erasure import tables as _erasure
from server.store.evidence import tables as _evidence
from server.store.feed_orders import tables as _feed_orders
from server.store.keepers import tables as _keepers
from server.store.ledger import tables as _ledger
from server.store.liveness.tables import metadata
from server.store.objections import tables as _objections
from server.store.operators import tables as _operators
from server.store.outcomes import tables as _outcomes
from server.store.policies import tables as _policies
from server.store.proposals import tables as _proposals
from server.store.questions import tables as _questions
from server.store.referrals import tables as _referrals
from server.store.requests import tables as _requests
from server.store.sandbox import tables as _sandbox
from server.store.trends import tables as _trends

# Each room's tables are in the metadata once its file is imported.
_ROOMS = (
    _allowlist,
    _erasure,
    _evidence,
    _feed_orders,
    _keepers,
    _ledger,
    _objections,
    _operators,
    _outcomes,
    _policies,
    _proposals,
    _questions,
    _referrals,
    _requests,
    _sandbox,
    _trends,
)

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
context.run_migrations()
