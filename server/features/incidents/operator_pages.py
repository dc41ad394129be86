"""The operators' pages of incidents."""

from server.features.incidents import desk
from server.features.incidents.operations import (
    DecideIncident,
    DiscardIncident,
    PauseIncident,
    ResumeIncident,
    SelectReports,
)
from server.operations.rights import VIEWERS
from server.web.shell.routes import BOTH, FORM, WORK, Route, Tab, may_run
from server.web.shell.words import mark

_BASE = "/console/incidents"

ROUTES = (
    Route(_BASE, VIEWERS, desk.show_all, tab=Tab(WORK, 8, mark("Incidents"))),
    Route(f"{_BASE}/new", VIEWERS & may_run(SelectReports), desk.select, methods=BOTH),
    Route(f"{_BASE}/<id>", VIEWERS, desk.show),
    Route(f"{_BASE}/<id>/reports", VIEWERS, desk.show_reports),
    Route(f"{_BASE}/<id>/decide", VIEWERS & may_run(DecideIncident), desk.decide, methods=FORM, is_fresh=True),
    Route(f"{_BASE}/<id>/pause", VIEWERS & may_run(PauseIncident), desk.pause, methods=FORM),
    Route(f"{_BASE}/<id>/resume", VIEWERS & may_run(ResumeIncident), desk.resume, methods=FORM),
    Route(f"{_BASE}/<id>/discard", VIEWERS & may_run(DiscardIncident), desk.discard, methods=FORM),
)
