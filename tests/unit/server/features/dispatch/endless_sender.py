"""A process that sends mails until it is killed."""

import sys

from server.features.dispatch.job import DispatchThread
from server.settings import Settings
from server.setup import hub_of
from server.store import Store

_MINUTE = 60_000_000


def send_for_ever(at: int) -> None:
    """Print ``ready``, and send what is due at a moment (microseconds), then a minute later, and so on."""
    settings = Settings()
    thread = DispatchThread(hub_of(settings, Store.open(settings.database_url)), settings)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        thread.step(at)
        at += _MINUTE
