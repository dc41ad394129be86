"""The labels of the closed words that pages show: grades, results, rules, roles, states."""

from collections.abc import Mapping
from types import MappingProxyType

# An English text that the catalogues have.
Translatable = str


def mark(english: str) -> Translatable:
    """Mark a text for the catalogues, and return it as it is."""
    return english


_LABELS: Mapping[str, Translatable] = MappingProxyType(
    {
        # Grades
        "block": mark("Block"),
        "hold": mark("Hold the payment"),
        "step-up": mark("Ask again first"),
        "warn": mark("Warn"),
        "monitor": mark("Watch"),
        "investigate": mark("Look into it"),
        # Focal points
        "prevention": mark("Prevention"),
        "prosecution": mark("Police and prosecution"),
        "protection": mark("Protection of victims"),
        "partnership": mark("Partnership"),
        # Roles
        "viewer": mark("Viewer"),
        "analyst": mark("Analyst"),
        "approver": mark("Approver"),
        "admin": mark("Administrator"),
        "reader": mark("Reader"),
        "writer": mark("Writer"),
        "partner-reader": mark("Reader"),
        "partner-writer": mark("Writer"),
        "partner-admin": mark("Administrator"),
        # Reviews: states, and the rules that hold something
        "open": mark("Open"),
        "approved": mark("Approved"),
        "rejected": mark("Rejected"),
        "partners-own": mark("A partner’s own value"),
        "delisted": mark("Delisted before"),
        "unusual-volume": mark("Far more than usual"),
        "mostly-held": mark("Most of its reports are held"),
        "many-doubts": mark("Doubts many reports of others"),
        "listed-again": mark("Listed again"),
        "disputed": mark("Disputed"),
        "doubted": mark("Doubted"),
        "coerced": mark("Held under coercion"),
        "withheld-from-keeper": mark("Withheld from the keeping bank"),
        "keeper-contradicted": mark("Reported again against the keeping bank"),
        "operators-entry": mark("Entered as harmless"),
        # What speaks against a value
        "deceived": mark("Deceived"),
        "disagree": mark("Disagrees"),
        "strongly-disagree": mark("Disagrees strongly"),
        "holder-verified": mark("The holder is known"),
        "legitimate-use": mark("It is used lawfully"),
        "shared-service": mark("Many share it"),
        "reassigned": mark("Somebody else has it now"),
        "compromised": mark("It was broken into"),
        # Proposals
        "confirmed": mark("Confirmed"),
        "void": mark("Void: what it is about has changed"),
        "expired": mark("Expired"),
        "erase": mark("Erase a value"),
        "approve-with-authority": mark("Approve reports with authority"),
        "approve-allowlisted": mark("Approve reports of values known as harmless"),
        "delist-disputed": mark("Take back disputed values"),
        "clear-objection": mark("Take back a value after an objection"),
        "make-admin": mark("Make somebody an administrator"),
        "not-listed": mark("not listed"),
        "decide-keeper-contradicted": mark("Decide against or for the keeping bank"),
        # Figures
        "reports": mark("Reported values"),
        "listed": mark("New listings"),
        "sightings": mark("Sightings"),
        "actions": mark("Outcomes"),
        "outcomes": mark("Money and people"),
        "report-to-listing": mark("From the report to the listing"),
        "listing-to-read": mark("From the listing to the first reader"),
        "listing-to-action": mark("From the listing to the first action"),
        "delisting-to-all": mark("From a delisting until every reader knew"),
        "wrong": mark("Listed wrongly"),
        "wrong-listed-for": mark("How long a wrong listing had stood"),
        "keeper-answers": mark("Answers of keeping institutions"),
        "objections": mark("Objections that were decided"),
        # What became of reports, and outcomes
        "released": mark("Released"),
        "corroborated": mark("Confirmed by others"),
        "sighted": mark("Sighted"),
        "acted-on": mark("Acted on"),
        "retracted": mark("Retracted"),
        "refused": mark("Refused"),
        "upheld": mark("Upheld"),
        "overruled": mark("Overruled"),
        "qualified": mark("Answered by the keeping bank"),
        "requested": mark("Requested"),
        "answered": mark("Answered"),
        "blocked": mark("Blocked"),
        "declined": mark("Declined"),
        "held": mark("Held"),
        "returned": mark("Returned"),
        "warned": mark("Warned"),
        "customer-stopped": mark("Stopped by the customer"),
        "taken-down": mark("Taken down"),
        "restored": mark("Restored"),
        "number-disconnected": mark("Number disconnected"),
        "funds-held": mark("Funds held"),
        "no-action": mark("No action"),
        "false-positive": mark("Not part of a scam"),
        "already-known": mark("Known before"),
        # Answers of keeping institutions
        "fraud": mark("It serves fraud"),
        "identity-stolen": mark("Identity stolen"),
        "genuine": mark("Genuine"),
        "merchant": mark("A merchant"),
        "unknown": mark("Cannot tell"),
        "misattributed": mark("The wrong account"),
        "not-found": mark("No such account"),
        "regularised": mark("Back with its holder"),
        # Requests: what is asked, states, parties, reasons, bases in law, why nobody was asked
        "freeze": mark("Freeze the money"),
        "trace": mark("Trace the money"),
        "return": mark("Return the money"),
        "information": mark("Give information"),
        "preserve": mark("Preserve evidence"),
        "acknowledged": mark("Acknowledged"),
        "agreed": mark("Agreed"),
        "disagreed": mark("Disagreed"),
        "done": mark("Done"),
        "closed": mark("Closed"),
        "sender": mark("Sender"),
        "addressee": mark("Addressee"),
        "follower": mark("Follower"),
        "no-funds": mark("There is no money left"),
        "not-ours": mark("Not our account"),
        "account-closed": mark("The account is closed"),
        "holder-legitimate": mark("The holder is legitimate"),
        "no-legal-basis": mark("No basis in law"),
        "insufficient-evidence": mark("Not enough evidence"),
        "other-order": mark("Another order stands against it"),
        "too-late": mark("Too late"),
        "other": mark("Another reason"),
        "withdrawn": mark("Withdrawn"),
        "settled": mark("Settled"),
        "unanswered": mark("Nobody answered"),
        "court-order": mark("Order of a court"),
        "police-order": mark("Order of the police"),
        "prosecutor-order": mark("Order of a prosecutor"),
        "fiu-order": mark("Order of the financial intelligence unit"),
        "statute": mark("Statute"),
        "scheme-rules": mark("Rules of the payment scheme"),
        "customer-mandate": mark("Mandate of the customer"),
        "mutual-agreement": mark("Agreement between the institutions"),
        "sender-left": mark("The sender takes part no more"),
        "was-here-before": mark("The money was there before"),
        "too-many-hops": mark("Followed often enough"),
        "too-many-requests": mark("Too many requests of one case"),
        "yours": mark("Kept by the sender itself"),
        # Reasons of the hub
        "operator": mark("The hub’s operator"),
        "review": mark("A review"),
        "dispute": mark("A dispute"),
        "keeper": mark("The keeping institution"),
        "objection": mark("An objection"),
        # What may be quiet
        "partner": mark("Partner"),
        "source": mark("Source"),
        "collection": mark("Collection"),
        "feed": mark("Feed"),
        # Partners
        "bank": mark("Bank"),
        "platform": mark("Platform"),
        "exchange": mark("Exchange"),
        "telecom": mark("Telecom"),
        "government": mark("Government"),
        "ngo": mark("Civil society"),
        "research": mark("Research"),
    }
)


def label(code: str) -> Translatable:
    """Return the English label of a code; the code itself where there is none, as words may be added elsewhere."""
    return _LABELS.get(code, code)


def labelled() -> Mapping[str, Translatable]:
    """Return all codes with their labels."""
    return _LABELS
