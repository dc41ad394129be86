"""What of a consensus is kept and not published: the number of a case that could be a person's, what is of no form."""

from mappers import annotation_properties
from schemas.consensus import Consensus
from schemas.fields import Evidence, Hold
from schemas.report import Report
from server.release.guard.personal_data.objects import could_be_personal_number


def without_personal_numbers(said: Consensus) -> Consensus:
    """Return the consensus without the references that could be a person's number, which their makers know anyway."""
    if not (said.reference or said.evidence or said.holds or said.hold or "-" in said.lang):
        return said
    return said._replace(
        reference=_published(said.reference),
        # A hash has letters too.
        evidence=tuple(_proof(proof) for proof in said.evidence if not proof.sha256.isdecimal()),
        hold=_hold(said.hold) if said.hold else None,
        holds=tuple(map(_hold, said.holds)),
        lang=said.lang if annotation_properties.is_lang(said.lang) else said.lang.partition("-")[0],
    )


def withheld_message(report: Report) -> str | None:
    """Tell who reports it which references are kept and not published, None where there are none."""
    names = ["reference"] if _is_withheld(report.reference) else []
    if any(_is_withheld(proof.reference) or proof.sha256.isdecimal() for proof in report.evidence):
        names.append("evidence")
    if report.hold and _is_withheld(report.hold.reference):
        names.append("hold.reference")
    return f"published without what could be a person's number: {', '.join(names)}" if names else None


def _is_withheld(reference: str | None) -> bool:
    return reference is not None and could_be_personal_number(reference)


def _published(reference: str | None) -> str | None:
    return None if _is_withheld(reference) else reference


def _proof(proof: Evidence) -> Evidence:
    return proof if _published(proof.reference) else Evidence(sha256=proof.sha256)


def _hold(hold: Hold) -> Hold:
    return hold if _published(hold.reference) else hold.model_copy(update={"reference": None})
