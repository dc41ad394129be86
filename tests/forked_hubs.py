"""Load and compile in advance what every hub needs when it starts. Hubs of tests are forked from this process."""

import gc
import os
from datetime import UTC
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

from schemas import kinds
from schemas.reference.sites import load_shared_services
from server.app import close, create_app
from server.features.federation import publishing_job, sweep
from server.features.incidents import job as incident_job
from server.features.ledger import sealing_job
from server.features.requests import clock
from server.features.trail import recorder
from server.features.uploads import job as upload_job
from server.jobs import work_look
from server.settings import Settings
from server.setup import set_up
from server.store import Store
from server.web.http import worker
from server.web.shell.languages import load_languages
from tests.orphans import die_with_parent
from tests.quick_pages import make_pages_quick
from tests.quick_stores import share_statements


def _start_one() -> None:
    """Start a hub and stop it again. It leaves no thread, and compiled routes, pages and statements."""
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'hub.db'}"
        store = Store.open(url)
        set_up(store)
        store.close()
        app = create_app(Settings(database_url=url, access_log="off"))
        app.test_client().get("/")
        close(app)


def _shorten_pauses() -> None:
    """Let the hubs of tests look for work and end idle connections sooner than hubs in use."""
    work_look._SECONDS = recorder.SECONDS = clock._SECONDS = 0.2
    for job in (incident_job, publishing_job, sealing_job, sweep, upload_job):
        job._SECONDS = 0.1
    upload_job._LOOK = 0.02
    worker._LAST_CALL_SECONDS, worker._TICK_SECONDS = 0.1, 0.05


# The hubs hold the pipe by which their server would learn that the tests ended.
die_with_parent()
# The settings of the test that is first; each process gets its own environment.
for _name in [name for name in os.environ if name.startswith("SCAMFEED_")]:
    del os.environ[_name]
for _name in ("jinja2.ext", "schemas.reference.chains"):
    import_module(_name)
_shorten_pauses()
make_pages_quick()
share_statements()
kinds.every()
load_languages(UTC)
load_shared_services()
_start_one()
# The processes share these objects as long as no collection writes to them.
gc.collect()
gc.freeze()
