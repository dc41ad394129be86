"""Notes each TAXII request that the web framework answers, as the hot path does its own."""

import time

from flask import Flask, Response, g, request

from server import observe
from server.taxii import proxies
from server.taxii.response import TaxiiResponse


def register(app: Flask) -> None:
    """Let every TAXII request to ``app``, and every one to a path that is none, be noted once."""

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()
        observe.asked_from(proxies.remote(request.environ))

    @app.after_request
    def note(response: Response) -> Response:
        endpoint = request.endpoint or "nowhere"
        if endpoint == "nowhere" or endpoint.startswith("taxii."):
            answer: TaxiiResponse = g.get("answer") or TaxiiResponse(response.status_code)
            partner = g.get("partner")
            observe.request(
                partner=partner.name if partner else None,
                method=request.method,
                route=endpoint.removeprefix("taxii."),
                collection=answer.collection,
                status=response.status_code,
                seconds=time.perf_counter() - g.began,
                objects_in=answer.objects_in,
                objects_out=answer.objects_out,
                given=answer.given,
            )
        return response
