"""The pages of the monthly report: for operators, and for everybody if the settings say so."""

from flask import Response

from server.features.monthly.report import MonthlyReport, html_of, pdf_of, report_of
from server.features.trends.figure_words import month_name
from server.features.trends.months import MonthUnpublished
from server.features.trends.published_figures import NO_MONTH, figures_of, published_months
from server.operations.rights import ANYBODY, VIEWERS
from server.web.shell.languages import Language
from server.web.shell.routes import HUB, Route, Tab
from server.web.shell.typesetting import makes_pdfs
from server.web.shell.visit import PageRefused, Visit
from server.web.shell.words import mark

# All files of these months are kept, so that asking for them again and again costs nothing.
_PUBLIC_MONTHS = 24
_KEPT_SECONDS = 3_600
_NO_PDF = mark("This hub cannot make PDF files. Use the HTML file.")


def show(visit: Visit) -> Response:
    """Show operators the report of a month. Raises ``PageRefused``."""
    return _shown(visit, published_months(visit), "operator/report.html")


def send(visit: Visit) -> Response:
    """Send operators the report of a month as a file. Raises ``PageRefused``."""
    return _sent(visit, published_months(visit))


def show_public(visit: Visit) -> Response:
    """Show everybody the report of a month. Raises ``PageRefused``, also if the report is not public."""
    return _shown(visit, _public_months(visit), "public/report.html")


def send_public(visit: Visit) -> Response:
    """Send everybody the report of a month as a file. Raises ``PageRefused``."""
    return _sent(visit, _public_months(visit))


def _public_months(visit: Visit) -> list[str]:
    if not visit.site.settings.public_report:
        raise PageRefused(404, "")
    return published_months(visit)[:_PUBLIC_MONTHS]


def _shown(visit: Visit, known: list[str], template: str) -> Response:
    months = [(month, month_name(visit.language, month)) for month in known]
    report = _report(visit, known, visit.language) if known else None
    return visit.page(template, report=report, months=months, has_pdf=makes_pdfs())


def _sent(visit: Visit, known: list[str]) -> Response:
    form, code = visit.request.args.get("form", ""), visit.request.args.get("language", "")
    language = visit.site.languages.get(code)
    if form not in ("pdf", "html") or language is None:
        raise PageRefused(404, "")
    if form == "pdf" and not makes_pdfs():
        raise PageRefused(503, _NO_PDF)
    report = _report(visit, known, language)

    def write() -> bytes:
        return pdf_of(report) if form == "pdf" else html_of(report, visit.site.environments[language.code])

    name = f"report-{report.content.month}-{language.code}.{form}"
    kind = "application/pdf" if form == "pdf" else "text/html; charset=utf-8"
    return visit.file(visit.site.documents.of(name, write, _KEPT_SECONDS), name, kind)


def _report(visit: Visit, known: list[str], language: Language) -> MonthlyReport:
    """Return the report of the month that is asked for, the newest by default. Raises ``PageRefused``."""
    month = visit.request.args.get("month") or (known[0] if known else "")
    if month not in known:
        raise PageRefused(404, NO_MONTH)
    try:
        figures = figures_of(visit, month)
    except MonthUnpublished:
        raise PageRefused(404, NO_MONTH) from None
    site = visit.site
    return site.figures.of(
        f"report {month} {language.code}", lambda: report_of(figures, language, site.settings, site.static.mark)
    )


ROUTES = (
    Route("/console/report", VIEWERS, show, tab=Tab(HUB, 5, mark("Monthly report"))),
    Route("/console/report/file", VIEWERS, send),
    Route("/report", ANYBODY, show_public),
    Route("/report/file", ANYBODY, send_public),
)
