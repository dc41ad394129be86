"""An object and its proof, asked of a hub by a partner."""

from pathlib import Path

from pydantic import ValidationError

from feeds.client.verify.log_client import LedgerHub, LogClient, NotSealedYet
from feeds.connector import Misconfigured, TryLater
from schemas.tlog.bag import ProvenObject
from server.cli.context import fail

_LATER = 75


def open_hub(url: str, *, allow_private: bool, ca_file: Path | None) -> LedgerHub:
    """Return the hub at an address; end the command where that is none."""
    try:
        return LedgerHub(url=url, allow_private=allow_private, ca_file=ca_file)
    except ValidationError as error:
        fail(f"--server: {error.errors()[0]['msg']}")


def ask(hub: LedgerHub, token: str, collection: str, id_: str, version: str | None) -> ProvenObject:
    """Return an object that the hub shows us, with its proof; end the command where there is none."""
    try:
        with LogClient.of(hub, token, collection) as client:
            body, proof = client.object(id_, version), client.proof(id_, version)
    except Misconfigured as error:
        fail(str(error))
    except NotSealedYet:
        fail(f"{id_}: it is in no signed checkpoint yet; ask again in some seconds", status=_LATER)
    except TryLater as error:
        fail(str(error), status=_LATER)
    if body is None or proof is None:
        fail(f"{id_}: the hub shows us no such object, or not in this version")
    return ProvenObject(body, proof)
