"""Files of evidence, sent to a hub by a partner."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from feeds.connector import Misconfigured, TryLater
from feeds.http import evidence
from feeds.http.failures import RequestRefused
from feeds.http.lookups import HubSettings
from server.cli.context import fail

_REFUSED, _LATER = 1, 75


def send(
    url: str, token: str, object_id: str, paths: list[Path], *, allow_private: bool, ca_file: Path | None
) -> list[dict[str, Any]]:
    """Send files to a hub, and return what it has of each; end the command where it refuses one."""
    try:
        hub = HubSettings(url=url, allow_private=allow_private, ca_file=ca_file)
    except ValidationError as error:
        fail(f"--server: {error.errors()[0]['msg']}")
    try:
        with ExitStack() as opened:
            return evidence.send(hub, token, object_id, [opened.enter_context(path.open("rb")) for path in paths])
    except (Misconfigured, RequestRefused) as error:
        fail(str(error), _REFUSED)
    except TryLater as error:
        fail(str(error), _LATER)
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}")
