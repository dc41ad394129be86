"""Where the parts meet: the WSGI application, and the server that runs it."""

import logging
import ssl
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify
from gunicorn.app.base import BaseApplication

from server.settings import Settings
from server.store import Store
from server.taxii import mount

log = logging.getLogger(__name__)

# A request line carries long match[id] lists and cursors; gunicorn knows no limit above this one but none.
_REQUEST_LINE = 8_190
_TIMEOUT_SECONDS = 120
_GRACE_SECONDS = 30


def create_app(settings: Settings) -> Flask:
    """Make the application on the store that ``settings`` name; the store has been migrated before."""
    store = Store.open(settings.database_url)
    app = Flask("scamfeed", static_folder=None)

    @app.get("/health")
    def health() -> tuple[Response, int]:
        ready = store.ready()
        return jsonify(status="ok" if ready else "store unavailable"), 200 if ready else 503

    mount(app, store, title=settings.title, contact=settings.contact)
    return app


class _Server(BaseApplication):
    """gunicorn inside this program; every worker makes its own application, and with it its own connections."""

    def __init__(self, settings: Settings, options: dict[str, Any]) -> None:
        self._settings = settings
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return create_app(self._settings)


def serve(
    settings: Settings,
    host: str,
    port: int,
    workers: int,
    threads: int = 32,
    tls_cert: Path | None = None,
    tls_key: Path | None = None,
    client_ca: Path | None = None,
) -> None:
    """Serve until the process is told to stop; requests under way are finished. Does not return."""
    options: dict[str, Any] = {
        "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "workers": workers,
        "threads": threads,
        "worker_class": "gthread",
        "limit_request_line": _REQUEST_LINE,
        "control_socket_disable": True,
        "timeout": _TIMEOUT_SECONDS,
        "graceful_timeout": _GRACE_SECONDS,
        "keepalive": 75,
        "proc_name": "scamfeed",
    }
    if tls_cert is not None:
        options |= {"certfile": str(tls_cert), "keyfile": str(tls_key) if tls_key else None}
    if client_ca is not None:
        options |= {"ca_certs": str(client_ca), "cert_reqs": ssl.CERT_OPTIONAL}
    log.info("serve host=%s port=%s workers=%s threads=%s tls=%s", host, port, workers, threads, tls_cert is not None)
    _Server(settings, options).run()
