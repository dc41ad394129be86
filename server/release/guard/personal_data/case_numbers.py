"""Case numbers that could also be a person's number: they are stored, and omitted from publication."""

from mappers import annotation
from schemas.fields import Evidence, Hold
from schemas.report import FIELDS, Consensus, Report
from server.release.guard.personal_data.objects import could_be_personal_number
from server.release.reasons import Reason

# The fields of reports that hold case numbers.
_FIELDS = tuple(name for name, field in FIELDS.items() if field.declaration.case_number)


def without_personal_numbers(consensus: Consensus) -> Consensus:
    """Return a consensus as it may be published: without possible personal numbers, and with a valid language tag."""
    numbered = consensus.reference or consensus.evidence or consensus.holds or consensus.hold or consensus.further
    if not numbered and "-" not in consensus.lang:
        return consensus
    is_valid = annotation.is_lang(consensus.lang)
    return consensus._replace(
        reference=_published(consensus.reference),
        # A hash of digits alone could be any number.
        evidence=tuple(_published_evidence(item) for item in consensus.evidence if not item.sha256.isdecimal()),
        hold=_published_hold(consensus.hold) if consensus.hold else None,
        holds=tuple(map(_published_hold, consensus.holds)),
        lang=consensus.lang if is_valid else consensus.lang.partition("-")[0],
        further=tuple(
            (name, value) for name, value in consensus.further if name not in _FIELDS or not _is_withheld(value)
        ),
    )


def withheld_message(report: Report) -> str | None:
    """Return the message that tells a reporter which case numbers are not published, None if all are."""
    names = [name for name in _FIELDS if _is_withheld(getattr(report, name))]
    if any(_is_withheld(item.reference) or item.sha256.isdecimal() for item in report.evidence):
        names.append("evidence")
    if report.hold and _is_withheld(report.hold.reference):
        names.append("hold.reference")
    return Reason.WITHHELD_NUMBER.text(names=", ".join(names)) if names else None


def _is_withheld(reference: str | None) -> bool:
    return reference is not None and could_be_personal_number(reference)


def _published(reference: str | None) -> str | None:
    return None if _is_withheld(reference) else reference


def _published_evidence(evidence: Evidence) -> Evidence:
    return evidence if _published(evidence.reference) else Evidence(sha256=evidence.sha256)


def _published_hold(hold: Hold) -> Hold:
    return hold if _published(hold.reference) else hold.model_copy(update={"reference": None})
