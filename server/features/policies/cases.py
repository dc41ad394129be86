"""Test the release rules with cases, in a temporary store."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from mappers import extension, ids, records as record_mapper
from mappers.indicator import to_stix
from mappers.report_reader import from_stix
from schemas import tabular, timestamp
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.tabular import ReportReader
from schemas.vocabulary import Action
from server.release.contribute import contribute
from server.release.fuse.newcomers import NewcomerRule
from server.release.guard.allowlists.lookup import Allowlists
from server.release.hub import Hub
from server.release.query.active import indicators
from server.release.results import Results
from server.release.route.policy import FULL, BadPolicy, Policy, PolicyRule
from server.store import Store, collections, partners
from server.store.collections import Collection
from server.store.database.engine import Tx
from server.store.item import Item

_Names = Annotated[tuple[str, ...], AfterValidator(lambda names: tuple(sorted(set(names))))]


class BadCases(ValueError):
    """The file has no cases that can be tried; the message names the place."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CasePartner(_Table):
    """A partner of the cases: its properties, and the collections that it reads."""

    name: str
    kind: str
    country: str | None = None
    trusted: bool = False
    authority: tuple[str, ...] = ()
    institutions: tuple[str, ...] = ()
    organisation: str | None = None
    read: tuple[str, ...] = ()
    left: bool = False


class Expected(_Table):
    """The expected result of a case; what is left out may be anything.

    ``collections`` are the shared collections with the value at the end, without full variants; ``private_collections``
    the partners whose private collection has it; ``readers`` all who may read it; ``grade`` what each of them reads;
    ``answer`` and ``message`` the answer to the last contribution.
    """

    collections: _Names | None = None
    private_collections: _Names | None = None
    readers: _Names | None = None
    grade: Action | None = None
    answer: Literal["accepted", "pending", "failed"] | None = None
    message: str | None = None


class PolicyCase(_Table):
    """One case: contributions in order, ``by`` a partner, as columns of reports or of records.

    Its own rules replace those of the file.
    """

    name: str
    contribute: Annotated[tuple[dict[str, Any], ...], Field(min_length=1)]
    expect: Expected
    rule: tuple[PolicyRule, ...] = ()


class PolicyCases(_Table):
    """A file of cases: ``rule`` and ``collection`` as in a hub's configuration, the partners, and the cases."""

    rule: tuple[PolicyRule, ...] = ()
    collection: tuple[str, ...] = ()
    partner: Annotated[tuple[CasePartner, ...], Field(min_length=1)]
    case: Annotated[tuple[PolicyCase, ...], Field(min_length=1)]


def read_cases(path: Path) -> PolicyCases:
    """Read cases in TOML, JSON or YAML. Raises ``BadCases``."""
    try:
        text = path.read_text(encoding="utf-8")
        match path.suffix.lower():
            case ".json":
                document = json.loads(text)
            case ".yaml" | ".yml":
                document = yaml.safe_load(text)
            case _:
                document = tomllib.loads(text)
        return PolicyCases.model_validate(document)
    except OSError as error:
        raise BadCases(f"{path}: cannot be read: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise BadCases(f"{path}: {place}: {first['msg'].removeprefix('Value error, ')}") from None
    except (ValueError, yaml.YAMLError) as error:
        raise BadCases(f"{path}: neither TOML, JSON nor YAML: {error}") from None


# Partners of cases have just been registered, but stand for partners of long standing.
_NOBODY_NEW = NewcomerRule(days=0)


class CaseResult(NamedTuple):
    """The result of a case, by the names of ``Expected``, and those that differ from the expectation."""

    name: str
    found: dict[str, Any]
    wrong: list[str]


def try_cases(
    store: Store, cases: PolicyCases, policy: Policy, allowlists: Allowlists | None = None
) -> Iterator[CaseResult]:
    """Try each case by its rules, those of the file, or else ``policy``; ``store`` is new, and has no partners.

    Raises ``BadCases``.
    """
    with store.begin() as tx:
        _furnish(tx, cases)
    for case in cases.case:
        rules = Policy(case.rule or cases.rule or policy.rules, _NOBODY_NEW)
        with _undone(store) as tx:
            found = _Trial(Hub(store, rules, allowlists or Allowlists()), tx, case).found()
        expected = case.expect.model_dump(exclude_none=True)
        wrong = [name for name, value in expected.items() if _differs(name, value, found)]
        yield CaseResult(case.name, found, wrong)


class _Trial:
    """One case, contributed in a transaction, and the partners' view of it."""

    def __init__(self, hub: Hub, tx: Tx, case: PolicyCase) -> None:
        self._tx = tx
        self._case = case
        self._hub = hub
        self._values: set[tuple[str, str]] = set()
        self._partners = {partner.name: partner for partner in partners.all_partners(tx)}
        try:
            hub.policy.refuse_unknown([collection.alias for collection in collections.all_collections(tx)])
        except BadPolicy as error:
            raise BadCases(str(error)) from None

    def found(self) -> dict[str, Any]:
        """Contribute all of it, and return the result by the names of ``Expected``."""
        for contribution in self._case.contribute:
            outcome = contribute(self._hub, self._tx, self._partner(contribution), self._items(dict(contribution)))
        with_value = self._collections_with_value()
        reading = {name: self._reading(name, with_value) for name in self._partners}
        grades = sorted({there[-1] for there in reading.values() if there})
        shared = {collection.alias.removesuffix(FULL) for collection in with_value if collection.kind == "released"}
        answer, message = _answer(outcome)
        return {
            "collections": sorted(shared),
            "private_collections": sorted(
                name for name in reading if any(self._own(name, collection) for collection in with_value)
            ),
            "readers": sorted(name for name, there in reading.items() if there),
            "grade": grades[0] if len(grades) == 1 else grades or None,
            "answer": answer,
            "message": message,
        }

    def _partner(self, contribution: dict[str, Any]) -> Partner:
        name = contribution.get("by")
        if name not in self._partners:
            raise BadCases(f"case {self._case.name!r}: by: it has to be one of the partners of this file")
        return self._partners[name]

    def _items(self, contribution: dict[str, Any]) -> list[Item]:
        by = contribution.pop("by")
        defaults = {"reporter": by, "reported_at": timestamp.text(timestamp.now())}
        try:
            if "record" in contribution:
                name = contribution.pop("record")
                contribution.setdefault("of", next(iter(self._seen_by(by)), None))
                objects = record_mapper.to_stix(tabular.read_record(name, contribution, defaults))
            else:
                report = ReportReader(defaults).report({name: _cell(value) for name, value in contribution.items()})
                self._values.add((report.kind, report.value))
                objects = to_stix(report)
        except Rejected as refusal:
            raise BadCases(f"case {self._case.name!r}: {refusal.message}") from None
        return [Item.of(obj) for obj in objects]

    def _collections_with_value(self) -> dict[Collection, list[dict[str, Any]]]:
        """Return the collections filled by release that have values of the case, with these."""
        filled = [collection for collection in collections.all_collections(self._tx) if collection.filled_by_release]
        # If a partner reads a value twice, its private collection counts.
        filled.sort(key=lambda each: each.kind == "private")
        return {collection: there for collection in filled if (there := self._in(collection))}

    def _reading(self, name: str, with_value: Mapping[Collection, list[dict[str, Any]]]) -> list[str]:
        """Return the grades that a partner reads, the one that counts last."""
        read = [
            indicator
            for collection, there in with_value.items()
            if self._reads(name, collection)
            for indicator in there
        ]
        return [str(extension.context_of(indicator).get("grade")) for indicator in read]

    def _reads(self, name: str, collection: Collection) -> bool:
        return collections.rights(self._tx, name).get(collection.id, (False, False))[0]

    def _own(self, name: str, collection: Collection) -> bool:
        return collection.kind == "private" and self._reads(name, collection)

    def _seen_by(self, name: str) -> Iterator[str]:
        with_value = self._collections_with_value()
        return (obj["id"] for collection, there in with_value.items() if self._reads(name, collection) for obj in there)

    def _in(self, collection: Collection) -> list[dict[str, Any]]:
        """Return the active indicators of the case's values in a collection."""
        return [
            indicator
            for indicator in indicators(self._tx, collection, timestamp.now())
            if _value(indicator) in self._values
        ]


def _furnish(tx: Tx, cases: PolicyCases) -> None:
    """Make the collections and partners of a file."""
    try:
        for alias in cases.collection:
            collections.add_released(tx, alias, alias.replace("-", " ").capitalize())
        for partner in cases.partner:
            properties = partner.model_dump(exclude={"read", "left"})
            partners.add(tx, Partner.model_validate({**properties, "identity": ids.identity(partner.name)}))
            for alias in partner.read:
                collections.grant(tx, partner.name, collections.get(tx, alias), read=True)
            if partner.left:
                partners.remove(tx, partner.name)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        raise BadCases(f"partner {partner.name!r}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except (LookupError, ValueError) as error:
        raise BadCases(str(error)) from None


class _Enough(Exception):
    """Ends a case, so that its transaction is rolled back."""


@contextmanager
def _undone(store: Store) -> Iterator[Tx]:
    try:
        with store.begin() as tx:
            yield tx
            raise _Enough
    except _Enough:
        return


def _answer(outcome: Results) -> tuple[str, str]:
    """Return the worst answer to the objects of one contribution, and its message."""
    for answer, refused in (("failed", outcome.failed), ("pending", outcome.pending)):
        if refused:
            return answer, refused[0].message
    return "accepted", ""


def _value(obj: dict[str, Any]) -> tuple[str, str] | None:
    try:
        report = from_stix(obj)
    except Rejected:
        return None
    return report.kind, report.value


def _differs(name: str, expected: Any, found: dict[str, Any]) -> bool:
    if name == "message":
        return expected not in found[name]
    return list(expected) != found[name] if isinstance(expected, tuple) else bool(expected != found[name])


def _cell(value: Any) -> str:
    """Return a value as a column has it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ";".join(map(str, value)) if isinstance(value, list) else str(value)
