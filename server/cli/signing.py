"""The hub's signing keys, for the commands that sign."""

from schemas.proof.signatures import BadSigningKey, SigningKeys
from server import signing_keys
from server.cli.context import Context, fail
from server.release.hsm import HsmKey


def keys_of(context: Context) -> SigningKeys:
    """Return the signing keys of the settings; end the command where there are none."""
    try:
        return signing_keys.load(context.settings)
    except BadSigningKey as error:
        fail(str(error))


def hsm_key(uri: str) -> HsmKey:
    """Return the key of an HSM; end the command where it cannot be used."""
    try:
        return HsmKey(uri)
    except BadSigningKey as error:
        fail(str(error))
