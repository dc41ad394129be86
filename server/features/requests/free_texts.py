"""Texts of requests and responses that their senders choose: none may contain the number of a person."""

from schemas.payment import CHOSEN_TEXTS
from schemas.request import Request, RequestAnswer
from server.release.guard.personal_data import objects
from server.release.reasons import Reason

_OF_REQUESTS = ("reference", "legal_reference", "end_to_end_id", "authority")


def refuse_personal_numbers(content: Request | RequestAnswer) -> None:
    """Refuse content in which a text could be a person's number. Raises ``Rejected``."""
    texts = {f"payment.{name}": getattr(content.payment, name, None) for name in CHOSEN_TEXTS}
    if isinstance(content, Request):
        texts |= {name: getattr(content, name) for name in _OF_REQUESTS}
    if isinstance(content, RequestAnswer) and content.response is not None:
        texts["reference"] = content.reference
    for name, text in texts.items():
        if text is not None and objects.could_be_personal_number(text):
            raise Reason.PERSONAL_NUMBER.rejected(name=name)
