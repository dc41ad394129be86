"""Private matching with one hub: the oblivious function, the requests, and the tag lists stored here."""

import base64
import binascii
import os
import secrets
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, NamedTuple, TypeVar
from urllib.parse import quote, urljoin

import msgspec
import requests
from pydantic import Field
from voprf import ristretto

from feeds.closing import closed_on_error
from feeds.errors import Misconfigured, TryLater
from feeds.transport import client
from feeds.transport.client import Bearer, OutboundSettings, RequestRefused, peer_errors
from feeds.transport.connections import folder_url
from schemas.api.matching import (
    CHUNK,
    ELEMENT,
    PROOF,
    EvaluationAnswer,
    EvaluationRequest,
    MatchCollection,
    MatchOutput,
    generation_of,
)
from schemas.whole_numbers import whole_number


class WrongProof(Misconfigured):
    """The hub did not evaluate with its stated key; nothing of the answer is used."""


class BlindedValues:
    """The inputs of one request, blinded; the secrets that open the answer stay in this object."""

    def __init__(self, inputs: Sequence[bytes]) -> None:
        """Blind ``inputs``, each with a new secret."""
        pairs = [ristretto.Client.blind(text) for text in inputs]
        self._clients = [client for client, _ in pairs]
        self.octets = b"".join(blinded.serialize() for _, blinded in pairs)

    def outputs(self, evaluated: bytes, proofs: bytes, public_key: bytes) -> list[MatchOutput]:
        """Return the outputs, in the order of the inputs. Raises ``WrongProof``."""
        chunks = range(0, len(self._clients), CHUNK)
        if len(evaluated) != len(self._clients) * ELEMENT or len(proofs) != len(chunks) * PROOF:
            raise WrongProof("the hub returned a wrong number of elements")
        found: list[MatchOutput] = []
        for place, start in enumerate(chunks):
            proof = proofs[place * PROOF : (place + 1) * PROOF]
            elements = evaluated[start * ELEMENT : (start + CHUNK) * ELEMENT]
            found += _opened(self._clients[start : start + CHUNK], proof + elements, public_key)
        return found


def _opened(clients: Sequence[ristretto.Client], answer: bytes, public_key: bytes) -> list[MatchOutput]:
    try:
        key = ristretto.PublicKey.deserialize(public_key)
        batch = ristretto.VerifiableBatchOutput.deserialize(answer)
        return [MatchOutput(bytes(output)) for output in ristretto.Client.finalize_batch(clients, batch, key)]
    except ValueError as error:
        raise WrongProof("the hub's answer is not an evaluation") from error
    except BaseException as error:
        # The library's panic at a wrong proof does not derive from Exception.
        if type(error).__name__ != "PanicException":
            raise
    raise WrongProof("the hub did not evaluate with its stated key; ask its operator")


_VERSION = "X-Match-Version"
_GONE = 410
_Told = TypeVar("_Told")


class MatchingHub(OutboundSettings):
    """One hub, and the limits of requests to it."""

    url: Annotated[str, Field(pattern=r"^https?://\S+$", description="the address of the hub")]
    country: Annotated[
        str, Field(pattern="^([A-Z]{2})?$", description="country of numbers and banks without one; empty is none")
    ] = "TH"


class KeyOver(Exception):
    """The key, or the version, has expired: read the set again."""


class ReadTags(NamedTuple):
    """Tags or changes of tags, and their version."""

    version: int
    octets: bytes


class MatchHubClient:
    """Sends requests about one collection to one hub. Raises ``TryLater``, ``Misconfigured`` and ``KeyOver``."""

    def __init__(self, hub: MatchingHub, token: str, collection: str) -> None:
        self.url = urljoin(folder_url(hub.url), f"match/{quote(collection, safe='')}")
        self._session = client.open_session(hub, hub.url)
        self._session.auth = Bearer(token)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def collection(self) -> MatchCollection:
        """Return the current set."""
        return self._decoded(self._get(self.url), MatchCollection)

    def tags(self, key: str, since: int | None = None) -> ReadTags:
        """Return all tags, or their changes since a version."""
        answer = self._get(f"{self.url}/{quote(key, safe='')}/tags" + (f"?since={since}" if since else ""))
        version = whole_number(answer.headers.get(_VERSION, ""), sys.maxsize)
        if version is None:
            raise TryLater(f"{self.url}: does not state the version of its tags")
        return ReadTags(version, answer.content)

    def rows(self, key: str, prefix: str) -> bytes:
        """Return the rows of a bucket."""
        return self._get(f"{self.url}/{quote(key, safe='')}/rows/{prefix}").content

    def evaluate(self, key: str, blinded: bytes) -> tuple[bytes, bytes]:
        """Return the evaluated elements and their proofs."""
        body = msgspec.json.encode(EvaluationRequest(key, base64.b64encode(blinded).decode()))
        url = f"{self.url}/evaluate"
        with self._errors(url):
            sent = self._session.post(url, data=body, headers={"Content-Type": "application/json"})
            sent.raise_for_status()
        answer = self._decoded(sent, EvaluationAnswer)
        try:
            return base64.b64decode(answer.evaluated, validate=True), base64.b64decode(answer.proofs, validate=True)
        except (binascii.Error, ValueError) as error:
            raise TryLater(f"{url}: its response is not Base64") from error

    def _get(self, url: str) -> requests.Response:
        with self._errors(url):
            answer = self._session.get(url)
            answer.raise_for_status()
        return answer

    def _decoded(self, answer: requests.Response, type_: type[_Told]) -> _Told:
        try:
            return msgspec.json.decode(answer.content, type=type_)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise TryLater(f"{self.url}: its response has an unknown format") from error

    @contextmanager
    def _errors(self, url: str) -> Iterator[None]:
        try:
            with peer_errors(url):
                yield
        except Misconfigured as error:
            if error.status == _GONE:
                raise KeyOver from error
            raise
        except RequestRefused as refusal:
            raise Misconfigured(
                f"{self.url}: refuses the request (HTTP {refusal.status}); "
                "does the hub let us match against this collection?"
            ) from refusal


_FORM = 1
_AT_ONCE = 500
_TABLES = (
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE keys (id TEXT PRIMARY KEY, public BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE outputs (key TEXT, value BLOB, output BLOB NOT NULL, PRIMARY KEY (key, value)) WITHOUT ROWID",
)


class MatchState(AbstractContextManager["MatchState"]):
    """The state of one collection at one hub, in a file or only in memory."""

    def __init__(self, file: Path | None, of: str) -> None:
        """Open the state of ``of``, the URL of a collection's set. Raises ``Misconfigured``."""
        if file is not None:
            with suppress(FileExistsError):
                os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            self._database = sqlite3.connect(file or ":memory:", isolation_level=None, check_same_thread=False)
            with closed_on_error(self._database):
                self._database.execute("PRAGMA secure_delete=ON")
                self._prepare(of)
        except sqlite3.DatabaseError as error:
            raise Misconfigured(f"{file}: cannot be used as the state of matching: set another file") from error
        self._salt = self.fact("salt") or b""

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def fact(self, name: str) -> bytes | None:
        """Return the fact stored under a name."""
        row = self._database.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else bytes(row[0])

    def store(self, facts: Mapping[str, bytes]) -> None:
        """Store facts under their names, all or none."""
        with self._database:
            self._database.execute("BEGIN")
            self._database.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", list(facts.items()))

    def pin(self, key: str, public: bytes) -> None:
        """Store the public key of a key's name.

        Raises ``Misconfigured`` if it was different before, or if the key's seed is older than one already used.
        """
        row = self._database.execute("SELECT public FROM keys WHERE id = ?", (key,)).fetchone()
        generation, newest = generation_of(key), self.generation
        if generation is not None and newest is not None and generation < newest:
            raise Misconfigured(
                f"the hub uses {key}, a key of a replaced seed: values protected by that seed may be known to "
                "others; ask its operator"
            )
        if row is None:
            self._database.execute("INSERT INTO keys VALUES (?, ?)", (key, public))
        elif bytes(row[0]) != public:
            raise Misconfigured(
                f"the hub states a different public key for {key} than before: it may identify partners by their keys; "
                "ask its operator, and remove the state only if the key was changed for all"
            )

    @property
    def generation(self) -> int | None:
        """Return the generation of the newest seed with a known key; None before the first."""
        known = self._database.execute("SELECT id FROM keys").fetchall()
        return max((found for (id_,) in known if (found := generation_of(id_)) is not None), default=None)

    def keep_outputs_of(self, key: str) -> None:
        """Delete the outputs of other keys, which no longer match anything."""
        self._database.execute("DELETE FROM outputs WHERE key <> ?", (key,))

    def outputs(self, key: str, names: Sequence[str]) -> dict[str, MatchOutput]:
        """Return the known outputs, by the name of the value."""
        found: dict[str, MatchOutput] = {}
        for start in range(0, len(names), _AT_ONCE):
            digests = {self._digest(name): name for name in names[start : start + _AT_ONCE]}
            marks = ",".join("?" * len(digests))
            asked = f"SELECT value, output FROM outputs WHERE key = ? AND value IN ({marks})"  # noqa: S608 - marks
            with closing(self._database.execute(asked, (key, *digests))) as rows:
                found |= {digests[bytes(value)]: MatchOutput(bytes(output)) for value, output in rows}
        return found

    def add_outputs(self, key: str, outputs: Iterable[tuple[str, MatchOutput]]) -> None:
        """Store outputs, all or none."""
        rows = [(key, self._digest(name), output.octets) for name, output in outputs]
        with self._database:
            self._database.execute("BEGIN")
            self._database.executemany("INSERT OR REPLACE INTO outputs VALUES (?, ?, ?)", rows)

    def _digest(self, name: str) -> bytes:
        return blake2b(name.encode(), key=self._salt, digest_size=16).digest()

    def _prepare(self, of: str) -> None:
        (form,) = self._database.execute("PRAGMA user_version").fetchone()
        if not form:
            with self._database:
                self._database.execute("BEGIN IMMEDIATE")
                for statement in _TABLES:
                    self._database.execute(statement)
                first = {"of": of.encode(), "salt": secrets.token_bytes(32)}
                self._database.executemany("INSERT INTO facts VALUES (?, ?)", list(first.items()))
                self._database.execute(f"PRAGMA user_version={_FORM}")
        if self.fact("of") != of.encode():
            raise sqlite3.DatabaseError("another set")
