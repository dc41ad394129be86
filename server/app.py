"""The application, built from the settings, and the server that runs it."""

import atexit
import hmac
import logging
import os
import secrets
import ssl
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, jsonify, request
from gunicorn.app.base import BaseApplication
from gunicorn.config import Config
from gunicorn.glogging import Logger

from server.features.exchanges import api as exchange_endpoints, limits as exchanges
from server.features.lookups.api import Lookups
from server.features.objections.api import Objections
from server.features.sandbox import answers as sandboxes
from server.features.sandbox.job import SandboxClock
from server.features.trail.recorder import AuditTrail
from server.jobs.background import background_threads
from server.jobs.heartbeat import HeartbeatThread
from server.jobs.work_look import WorkLook
from server.observe import probes
from server.observe.access_log import AccessLog
from server.observe.log_lines import LogDocuments, write_json
from server.observe.metrics import METRICS_TYPE, Metrics, metrics_folder
from server.observe.node import NodeCollector
from server.observe.readiness import Readiness
from server.settings import Settings
from server.setup import hub_of
from server.store import Store
from server.store.database.engine import DiskSpace
from server.web.api import table
from server.web.api.routes import ApiSite
from server.web.api.table import ApiTable
from server.web.http.fair_executor import ResponseLimits
from server.web.http.listener import shared_memory
from server.web.shell import pages, routes as page_routes
from server.web.shell.error_pages import refusal_page
from server.web.shell.file_forms import PageFileForms
from server.web.shell.site import open_site
from server.web.taxii.add_objects import DirectWrites
from server.web.taxii.limits import PartnerQuotas
from server.web.taxii.mount import mount
from server.web.taxii.proxies import TrustedProxies, is_local

log = logging.getLogger(__name__)

_TIMEOUT_SECONDS = 120
_GRACE_SECONDS = 30
# Found before workers are forked, so that they do not import the features again.
_ROUTES = table.every()
page_routes.every()
# The collections that partners write directly: exchanges, and sandboxes.
DIRECT_WRITES = DirectWrites(exchanges.add, exchange_endpoints.delete, sandboxes.try_out, sandboxes.note)


def create_app(
    settings: Settings, login_key: bytes | None = None, certificate: Path | None = None, parent: int | None = None
) -> Flask:
    """Return the application on the store that ``settings`` name, which has been migrated before.

    Applications with the same ``login_key`` accept each other's verified passwords. The metrics show the end of the
    server's own ``certificate``, and the processes of ``parent``.
    """
    store = Store.open(settings.database_url)
    app = Flask("scamfeed", static_folder=None)
    reads = _reads_of(store, settings)
    # Background work, stopped in reverse order.
    running = ExitStack()
    atexit.register(running.close)
    app.extensions |= {"scamfeed-store": store, "scamfeed-reads": reads, "scamfeed-running": running}
    hub = hub_of(settings, store)
    metrics, lines = Metrics(store, hub, NodeCollector(store, certificate, parent)), AccessLog(settings.access_log)
    trail, sandbox = AuditTrail(store), SandboxClock(store)
    running.callback(trail.stop)
    work = background_threads(settings, hub) if settings.background else ()
    threads = (*work, HeartbeatThread(store), sandbox)
    for thread in (*threads, WorkLook(store, (*threads, trail))):
        thread.start()
        running.callback(thread.stop)
    quotas = PartnerQuotas(settings.rate_limit, settings.quota_objects_per_day, settings.max_objects)
    proxies = TrustedProxies(settings.trusted_proxies, settings.client_certificate_header)
    api = ApiSite(hub, settings, quotas, running)
    taxii = mount(
        app,
        hub,
        title=settings.title,
        contact=settings.contact,
        writes=DIRECT_WRITES,
        public_url=settings.public_url,
        proxies=proxies,
        quotas=quotas,
        observers=(metrics, lines, trail, sandbox),
        login_key=login_key,
        reads=reads,
        public_collections=settings.public_collections,
        api=ApiTable(_ROUTES, api),
    )
    app.extensions["scamfeed-taxii"] = taxii
    readiness, bodies = Readiness(store), DiskSpace(tempfile.gettempdir())

    def ready() -> probes.Probe:
        return probes.ready(readiness, store, bodies)

    _add_probes(app, ready, reads, metrics, settings.metrics_token.get_secret_value())
    check = api.of(Lookups).check_public
    site = open_site(hub, settings, lambda: ready()[0] == 200, check, proxies, api.of(Objections))
    pages.register(app, site)
    taxii.page_observers = (metrics, lines)
    taxii.refusal_page, taxii.file_forms = refusal_page(app, site), PageFileForms(app, site)
    return app


def close(app: Flask) -> None:
    """Stop the background work of an application, and close its stores, if the process continues without it."""
    for part in ("scamfeed-running", "scamfeed-taxii", "scamfeed-store"):
        app.extensions[part].close()


def _reads_of(store: Store, settings: Settings) -> Store:
    """Return the store that partners read from: a replica if there is one, otherwise the store itself."""
    if not settings.read_database_url:
        return store
    from server.store.database.replica import ReplicatedStore  # PostgreSQL's driver takes a while to load

    return ReplicatedStore(store, Store.open(settings.read_database_url))


def _add_probes(app: Flask, ready: Callable[[], probes.Probe], reads: Store, metrics: Metrics, token: str) -> None:
    """Serve health and metrics for the operators of the server."""

    @app.get("/health/live")
    def live() -> tuple[Response, int]:
        status, resource = probes.live()
        return jsonify(resource), status

    @app.get("/health")
    @app.get("/health/ready")
    def health() -> tuple[Response, int]:
        status, resource = ready()
        return jsonify(resource), status

    @app.get("/health/reads")
    def can_read() -> tuple[Response, int]:
        status, resource = probes.can_read(reads)
        return jsonify(resource), status

    @app.get("/metrics")
    def metrics_page() -> Response:
        if not probes.may_see_metrics(request.environ, token, is_local=is_local(request.environ)):
            abort(404)
        return Response(metrics.page(), content_type=METRICS_TYPE)


class _JsonLog(Logger):
    """The log of gunicorn itself as JSON: starts, stops, and workers that end."""

    def setup(self, cfg: Config) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(LogDocuments())


class _Server(BaseApplication):
    """gunicorn inside this program; every worker makes its own application with its own connections."""

    def __init__(self, settings: Settings, options: dict[str, Any]) -> None:
        self._settings = settings
        self._options = options
        # Created before the workers are forked, so that they share it.
        self._login_key = _login_key(settings)
        self.worker_loads = shared_memory()
        self.response_limits = ResponseLimits(
            settings.response_bytes,
            settings.response_bytes_of_one,
            settings.least_read_rate,
            settings.streams_of_one,
        )
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        certificate = self._options.get("certfile")
        return create_app(
            self._settings, self._login_key, Path(certificate) if certificate else None, os.getppid()
        ).wsgi_app


def _login_key(settings: Settings) -> bytes:
    """Return the key of verified passwords: that of the settings, shared by all nodes, or one of this server."""
    chosen = settings.login_key.get_secret_value()
    return hmac.digest(chosen.encode(), b"verified-logins", "sha256") if chosen else secrets.token_bytes(32)


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
    """Serve until a signal stops the process; active requests are finished. Does not return."""
    options: dict[str, Any] = {
        "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "workers": workers,
        "threads": threads,
        "worker_class": f"{__package__}.web.http.worker.HttpWorker",
        "control_socket_disable": True,
        "timeout": _TIMEOUT_SECONDS,
        "graceful_timeout": _GRACE_SECONDS,
        "proc_name": "scamfeed",
    }
    if settings.access_log == "json":
        write_json()
        options["logger_class"] = _JsonLog
    if tls_cert is not None:
        options |= {"certfile": str(tls_cert), "keyfile": str(tls_key) if tls_key else None}
    if client_ca is not None:
        options |= {"ca_certs": str(client_ca), "cert_reqs": ssl.CERT_OPTIONAL}
    log.info("serve host=%s port=%s workers=%s threads=%s tls=%s", host, port, workers, threads, tls_cert is not None)
    with metrics_folder():
        _Server(settings, options).run()
