"""TAXII on our Flask application: Medallion's URL map and such of its views as are right, everything else ours."""

import inspect
import logging
import re
from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Blueprint, Flask, g, request
from medallion.views import MEDIA_TYPE_TAXII_V21
from medallion.views.collections import collections_bp
from medallion.views.discovery import discovery_bp
from medallion.views.manifest import manifest_bp
from medallion.views.objects import objects_bp

from schemas.partner import Partner
from server.store import Store
from server.taxii import compression, errors, openapi, watching
from server.taxii.backend import StoreBackend
from server.taxii.endpoints import welcome
from server.taxii.errors import TaxiiError
from server.taxii.filters import MAX_PAGE
from server.taxii.limits import API_ROOT, MAX_CONTENT_LENGTH
from server.taxii.page_cache import PageCache
from server.taxii.views import VIEWS

_ROOT_VARIABLE = "<string:api_root>"
_HOST = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")


def mount(app: Flask, store: Store, pages: PageCache, *, title: str, contact: str, public_url: str = "") -> None:
    """Let ``app`` serve the discovery at ``/taxii2/`` and the one API root at ``/feed/`` from ``store``.

    ``public_url`` is where partners find the server; without it the discovery goes by what a request says.
    """
    # A missing slash is no error, and no redirect to whatever the Host header says.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.json.sort_keys = False  # type: ignore[attr-defined]  # Flask's own provider has it
    # One more than may be: at its limit Werkzeug ends a chunked body as if that were all of it.
    app.config["MAX_CONTENT_LENGTH"] = MAX_CONTENT_LENGTH + 1
    app.extensions["scamfeed-store"] = store
    app.extensions["scamfeed-pages"] = pages
    # Where Medallion's views look.
    app.taxii_config = {"max_page_size": MAX_PAGE}  # type: ignore[attr-defined]
    app.medallion_backend = StoreBackend(  # type: ignore[attr-defined]
        store, title, contact, partner=_asking, prefix=partial(_prefix, public_url.rstrip("/"))
    )
    app.register_blueprint(_blueprint(store))
    watching.register(app)
    errors.register(app)
    compression.register(app)
    openapi.register(app)
    # Medallion logs to a stream of its own, beside the application's log.
    logging.getLogger("medallion").handlers.clear()


def _blueprint(store: Store) -> Blueprint:
    taxii = Blueprint("taxii", __name__)

    @taxii.before_request
    def admit() -> None:
        g.partner = welcome(store, request.environ)
        if any("\x00" in part for part in (request.view_args or {}).values()):
            raise TaxiiError(404)
        # Medallion understands one spelling of one media type.
        request.environ["HTTP_ACCEPT"] = MEDIA_TYPE_TAXII_V21

    for path, endpoint, methods, view in _medallion_rules():
        ours = VIEWS.get(endpoint, view)
        fixed = partial(ours, api_root=API_ROOT) if _ROOT_VARIABLE in path else ours
        taxii.add_url_rule(
            path.replace(_ROOT_VARIABLE, API_ROOT), endpoint.replace(".", "-"), fixed, methods=sorted(methods)
        )
    return taxii


def _medallion_rules() -> list[tuple[str, str, set[str], Callable[..., Any]]]:
    """Read Medallion's URL map, its views without the login that they share with every application in the process."""
    scratch = Flask("medallion", static_folder=None)
    for blueprint in (discovery_bp, collections_bp, manifest_bp, objects_bp):
        scratch.register_blueprint(blueprint)
    return [
        (rule.rule, rule.endpoint, (rule.methods or set()) - {"HEAD", "OPTIONS"}, inspect.unwrap(view))
        for rule in scratch.url_map.iter_rules()
        for view in [scratch.view_functions[rule.endpoint]]
    ]


def _prefix(public_url: str) -> str:
    """Say where we are as TAXII 2.1 §4.1.1 lets us: over HTTPS with the host, for clients that join no paths."""
    if public_url:
        return public_url
    whole = request.scheme == "https" and _HOST.fullmatch(request.host)
    return f"https://{request.host}{request.script_root}" if whole else request.script_root


def _asking() -> Partner:
    partner: Partner = g.partner
    return partner
