"""The side of this hub that asks a peer to compare members."""

from collections.abc import Iterable
from typing import Annotated
from urllib.parse import urljoin

import msgspec
import requests
from pydantic import Field, ValidationError

from feeds.errors import Misconfigured, TryLater
from feeds.transport import client
from feeds.transport.client import LoginSettings, RequestRefused, peer_errors
from feeds.transport.connections import folder_url
from schemas.api.overlap import OverlapAnswer
from server.features.federation.members.comparing import BadComparison, CommonMember, MemberComparison, told
from server.features.federation.members.registers import RegisteredMember
from server.release.peers import PeerHub

_PATH = "api/hub-reports/overlap"


class _PeerConnection(LoginSettings):
    """The settings of the connection to a peer."""

    url: Annotated[str, Field(description="the address of the API root of the peer")]


def compare(peer: PeerHub, members: Iterable[RegisteredMember]) -> list[CommonMember]:
    """Compare members with a peer, tell it the common ones, and return them.

    Raises ``Misconfigured``, ``TryLater``, ``BadComparison``, ``TooManyMembers``, and ``WrongProof`` where the peer did
    not evaluate with its stated key.
    """
    comparison = MemberComparison(members)
    if not comparison.size:
        raise BadComparison(
            "no member has a number to compare: register some with scamfeed partner register, or institutions"
        )
    with _opened(peer) as session:
        url = urljoin(folder_url(peer.url), f"../{_PATH}")
        answered = _post(session, url, comparison.request())
        try:
            answer = msgspec.json.decode(answered, type=OverlapAnswer)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise TryLater(f"{url}: its response has an unknown format") from error
        common = comparison.common(answer)
        _post(session, f"{url}/common", told(common))
    return common


def _opened(peer: PeerHub) -> requests.Session:
    if not peer.url:
        raise Misconfigured(f"{peer.name}: its [[peer]] table has no url; its operator can compare from there")
    known = {name: value for name, value in peer.connection.items() if name in _PeerConnection.model_fields}
    try:
        settings = _PeerConnection.model_validate({**known, "url": peer.url})
    except ValidationError as error:
        raise Misconfigured(f"{peer.name}: its [[peer]] table is invalid: {error}") from None
    session = client.open_session(settings, peer.url)
    session.auth = settings.auth()
    return session


def _post(session: requests.Session, url: str, body: msgspec.Struct) -> bytes:
    try:
        with peer_errors(url):
            answer = session.post(url, data=msgspec.json.encode(body), headers={"Content-Type": "application/json"})
            answer.raise_for_status()
    except RequestRefused as refusal:
        raise Misconfigured(
            f"{url}: refuses the comparison (HTTP {refusal.status}); does the peer have a [[peer]] table for this hub?"
        ) from refusal
    return answer.content
