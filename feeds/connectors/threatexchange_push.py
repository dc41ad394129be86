"""Writes indicators to a privacy group of Meta's ThreatExchange, as threat descriptors.

The API: https://developers.facebook.com/docs/threat-exchange/reference/submitting/ (``threat_descriptors``), editing by
the id of a descriptor, and https://developers.facebook.com/docs/threat-exchange/reference/reacting. The parameters are
those of the reference client (facebook/ThreatExchange, ``python-threatexchange``).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar

import msgspec
import requests
from pydantic import Field

from feeds.connector import Answer, Misconfigured, PushSettings, Secret, TryLater
from feeds.readers.signals import THREAT_TYPES
from feeds.runs.push import grade
from feeds.transport.client import OutboundSettings, RequestRefused, open_session, peer_errors
from feeds.transport.corrections import CORRECTED, CorrectingPush, Known
from feeds.transport.envelopes import refused_answer, skipped_answer
from feeds.transport.graph_api import error_of, refused_access
from mappers import marking
from schemas.report import Report
from schemas.vocabulary import Action, Tlp
from server.store.item import Item

_PEER = "url"
_TYPES = {kind: type_ for type_, kind in reversed(THREAT_TYPES.items())}
# ThreatExchange has no level for TLP:AMBER+STRICT, and RED is for nobody but its receivers.
_LEVELS = {Tlp.CLEAR: "WHITE", Tlp.GREEN: "GREEN", Tlp.AMBER: "AMBER"}
# The Graph API's errors of limits. Others are about the token, the rights, or the one request.
_LIMITS = (1, 2, 4, 17, 32, 341, 368, 613)
# Descriptors of others on which a correction reacts.
_MOST_REACTIONS = 50
_HARMLESS = "NON_MALICIOUS"
# Consecutive refusals after which the cause is not in the objects.
_MOST_REFUSED = 25


class ThreatExchangePushSettings(OutboundSettings, PushSettings):
    """The privacy group, and the app that writes."""

    url: Annotated[str, Field(pattern=r"^https?://\S+$", description="the Graph API, with its version")] = (
        "https://graph.facebook.com/v24.0"
    )
    privacy_group: Annotated[
        str, Field(pattern=r"^\d{1,20}$", description="number of the privacy group that may see them")
    ]
    access_token: Annotated[Secret, Field(description="the app's access token: number of the app, |, its secret")]
    react: Annotated[
        bool,
        Field(
            description="also react NON_MALICIOUS to others' descriptors of a delisted value, until it is listed again"
        ),
    ] = True
    least_grade: Annotated[
        Action | None, Field(description="the weakest grade to write; indicators that fall below it are deleted there")
    ] = Action.BLOCK


class ThreatExchangePush(CorrectingPush[ThreatExchangePushSettings]):
    """Keeps one descriptor for each indicator, visible to one privacy group alone.

    A delisted indicator becomes ``NON_MALICIOUS``, until its value is listed again. One that may no longer be shown is
    deleted.
    """

    name: ClassVar[str] = "threatexchange-push"
    settings_model = ThreatExchangePushSettings
    levels = _LEVELS
    kinds = _TYPES

    def __init__(self, settings: ThreatExchangePushSettings) -> None:
        super().__init__(settings)
        self._refused = 0

    def noted(self, items: Sequence[Item]) -> Sequence[Item]:
        """Return the indicators that will be written."""
        return [item for item in items if self._is_written(item)]

    def push(self, items: Sequence[Item]) -> list[Answer]:
        self._opened()
        known = self._begun().known(items)
        return [self._answer(item, known[item.id]) for item in items]

    def check(self) -> None:
        self._opened()

    def _is_written(self, item: Item) -> bool:
        return self._begun().may_count(item) and self._report(item) is not None

    def _answer(self, item: Item, known: Known) -> Answer:
        report = self._report(item) if item.type == "indicator" else None
        if report is None:
            return self._forget(item, known)
        try:
            if self._begun().may_count(item):
                answer = self._write(item, report)
                self._end_reactions(item, report, known)
            elif self._begun().is_to_correct(item, known):
                answer = self._correct(item, report, known)
            else:
                return skipped_answer(item, "ThreatExchange does not have it, and it is not for the group")
        except RequestRefused as refusal:
            self._refused += 1
            if self._refused >= _MOST_REFUSED:
                raise TryLater(f"{_PEER}: refuses one object after another ({refusal})") from refusal
            return refused_answer(item, refusal)
        self._refused = 0
        return answer

    def _write(self, item: Item, report: Report) -> Answer:
        """Write the descriptor of an indicator: the API edits the one that this app has of the same indicator."""
        written = self._ask("POST", "threat_descriptors", self._descriptor(item, report))
        remote = str(written.get("id", ""))
        if not remote.isdecimal():
            raise TryLater(f"{_PEER}: its response has no id of the descriptor")
        return Answer(item, True, "success", remote)

    def _correct(self, item: Item, report: Report, known: Known) -> Answer:
        remote = known.remote or self._own_descriptor(report)
        if not remote:
            return skipped_answer(item, "ThreatExchange does not have it")
        if not item.revoked:
            self._ask("DELETE", remote, {}, may_lack=True)
            return Answer(item, True, CORRECTED, remote)
        self._ask("POST", remote, {"status": _HARMLESS, "description": "No longer listed."}, may_lack=True)
        if self.settings.react:
            self._react(report, "reactions")
        return Answer(item, True, CORRECTED, remote)

    def _forget(self, item: Item, known: Known) -> Answer:
        """Delete the descriptor of an erased value, of which only the descriptor's id is known."""
        if not item.revoked or not known.remote:
            return skipped_answer(item, "ThreatExchange has no type for it")
        self._ask("DELETE", known.remote, {}, may_lack=True)
        return Answer(item, True, CORRECTED, known.remote)

    def _end_reactions(self, item: Item, report: Report, known: Known) -> None:
        """End our reactions to the descriptors of others, if a value that was delisted is listed again."""
        is_first = not known.counts or known.is_unclear
        if self.settings.react and is_first and self._begun().was_corrected(item, report):
            self._react(report, "reactions_to_remove")

    def _react(self, report: Report, what: str) -> None:
        """Add our reaction to the descriptors that others have of a value, or remove it."""
        for descriptor in self._descriptors(report):
            if descriptor["owner"] != self._app:
                self._ask("POST", descriptor["id"], {what: _HARMLESS}, may_lack=True)

    def _own_descriptor(self, report: Report) -> str:
        """Return the id of our descriptor of a value, empty if there is none."""
        own = (descriptor["id"] for descriptor in self._descriptors(report) if descriptor["owner"] == self._app)
        return next(own, "")

    def _descriptors(self, report: Report) -> list[dict[str, str]]:
        """Return the ids and owners of the visible descriptors of a value."""
        asked = {
            "type": _TYPES[report.kind],
            "text": report.value,
            "strict_text": "true",
            "fields": "id,raw_indicator,owner",
        }
        found = self._ask("GET", "threat_descriptors", asked | {"limit": str(_MOST_REACTIONS)})
        try:
            return [
                {"id": str(found["id"]), "owner": str(found["owner"]["id"])}
                for found in found["data"][:_MOST_REACTIONS]
                if found.get("raw_indicator") == report.value and str(found["id"]).isdecimal()
            ]
        except (LookupError, TypeError, AttributeError) as error:
            raise TryLater(f"{_PEER}: its response is not in ThreatExchange's format") from error

    def _descriptor(self, item: Item, report: Report) -> dict[str, str]:
        """Return the parameters of a descriptor. It is visible to the privacy group, and to nobody else."""
        indicator: dict[str, Any] = msgspec.json.decode(item.body)
        level = marking.tlp_of(indicator)
        assert level in _LEVELS  # noqa: S101 - only such indicators are written
        fields = {
            "indicator": report.value,
            "type": _TYPES[report.kind],
            "description": f"Scam: {report.scam_type}",
            "status": "MALICIOUS" if grade(indicator) is Action.BLOCK else "SUSPICIOUS",
            "share_level": _LEVELS[level],
            "privacy_type": "HAS_PRIVACY_GROUP",
            "privacy_members": self.settings.privacy_group,
            "tags": f"scam,scam_type:{report.scam_type}",
            "confidence": "" if report.confidence is None else str(report.confidence),
            "expired_on": _seconds(report.valid_until),
            "first_active": _seconds(report.first_seen),
            "last_active": _seconds(report.last_seen),
        }
        return {name: text for name, text in fields.items() if text}

    def _ask(self, method: str, path: str, asked: Mapping[str, str], *, may_lack: bool = False) -> dict[str, Any]:
        """Send a request and return its answer; nothing if its object does not exist and ``may_lack`` is set."""
        sent = {**asked, "access_token": self.settings.access_token.reveal()}
        posted, query = (sent, None) if method == "POST" else (None, sent)
        with peer_errors(_PEER):
            answer = self._connection().request(
                method, f"{self.settings.url.rstrip('/')}/{path}", data=posted, params=query
            )
            error = error_of(answer)
            if error is None:
                answer.raise_for_status()
                document = answer.json()
                if isinstance(document, dict):
                    return document
                raise TryLater(f"{_PEER}: its response is not in ThreatExchange's format")
        if may_lack and error.get("code") in (100, 803):
            return {}
        raise _consequence(answer, error)

    @property
    def _app(self) -> str:
        return self.settings.access_token.reveal().partition("|")[0]

    def _opened(self) -> None:
        """Connect, and check that this app sees the privacy group."""
        if self._session is None:
            try:
                self._ask("GET", self.settings.privacy_group, {"fields": "id,members_can_use"})
            except RequestRefused as refusal:
                self.close()
                raise Misconfigured(f"{_PEER}: does not know this privacy group") from refusal
            except (Misconfigured, TryLater):
                self.close()
                raise

    def _connection(self) -> requests.Session:
        if self._session is None:
            # A repeated request writes the same to the same descriptor.
            self._session = open_session(self.settings, self.settings.url, repeat_posts=True)
        return self._session


def _seconds(moment: datetime | None) -> str:
    return "" if moment is None else str(int(moment.timestamp()))


def _consequence(response: requests.Response, error: Mapping[str, Any]) -> Exception:
    """Return the error that follows from an error of the Graph API."""
    if (refused := refused_access(_PEER, response, error, "write to")) is not None:
        return refused
    if error.get("code") in _LIMITS or response.status_code >= 500:
        return TryLater(f"{_PEER}: cannot answer now")
    return RequestRefused(response.status_code, _PEER)
