"""Refusals on Thai pages: each code has a Thai sentence, and unknown codes have a general one."""

import ast
import re
from collections.abc import Iterator
from datetime import UTC
from enum import StrEnum
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from schemas.errors import Rejected
from schemas.partner import FocalFunction, PartnerKind
from schemas.records import FeedbackEvent, FeedbackReason, Qualification
from schemas.request import LegalBasis, Request, RequestAnswer, RequestReason, RequestState, RequestWord
from schemas.takedown import TakedownGround
from schemas.vocabulary import Action, HolderStatus, OpinionWord, OutcomeReason, OutcomeWord, QualificationCode
from server.features.trends import notes
from server.release.guard.allowlists.catalogue import ALLOWLISTS
from server.release.reasons import Reason
from server.store import Store, collections
from server.store.collections import Collection
from server.store.operators.users import OperatorRole, PartnerRole
from server.web.shell.hub_texts import (
    RULE_TEXTS,
    collection_description,
    collection_title,
    refusal_text,
    text_of,
    word_text,
)
from server.web.shell.languages import load_languages

LANGUAGES = load_languages(UTC)
ENGLISH, THAI = LANGUAGES["en"], LANGUAGES["th"]
# Modules whose refusals appear on pages. Those of feeds and of the command line are read by programs.
_SHOWN = ("schemas", "mappers", "server/features", "server/operations", "server/release", "server/web/shell")
# Errors with a code, and the position of the code among their arguments.
_REFUSALS = ("Rejected", "BadPolicy", "StepRefused")
# Records that a person enters on a page.
_RECORDS = (Request, RequestAnswer, Qualification)
# Closed vocabularies whose words appear as labels on pages.
_WORDS: tuple[type[StrEnum], ...] = (
    *(Action, FeedbackEvent, FeedbackReason, FocalFunction, HolderStatus, LegalBasis, OperatorRole, OpinionWord),
    *(
        OutcomeReason,
        OutcomeWord,
        PartnerKind,
        PartnerRole,
        QualificationCode,
        RequestReason,
        RequestState,
        RequestWord,
        TakedownGround,
    ),
)
_OF_COMMANDS = re.compile("commands?$")
_CODE = re.compile("[a-z][a-z0-9]*(-[a-z0-9]+)+|refused|revoked|scheme|checksum|testnet")


def written_codes() -> Iterator[str]:
    """Yield each code in an error constructor."""
    for folder in _SHOWN:
        for file in sorted(file for file in Path(folder).rglob("*.py") if not _OF_COMMANDS.search(file.stem)):
            source = file.read_text(encoding="utf-8")
            # Parsing takes seconds, and most modules have no such error.
            for node in ast.walk(ast.parse(source)) if any(f"{name}(" in source for name in _REFUSALS) else ():
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _REFUSALS:
                    for given in node.args[:2]:
                        if isinstance(given, ast.Constant) and _CODE.fullmatch(str(given.value)):
                            yield str(given.value)


CODES = sorted(
    {
        *written_codes(),
        *(reason.code for reason in Reason),
        *ALLOWLISTS,
        *RULE_TEXTS,
        *(f"bad-{name.replace('_', '-')}" for record in _RECORDS for name in record.model_fields),
    }
)


@pytest.mark.parametrize("code", CODES)
def test_each_code_that_a_page_can_show_is_in_thai(code: str) -> None:
    shown = refusal_text(THAI, code, "this is English")
    assert re.search("[\u0e00-\u0e7f]", shown)
    assert not shown.endswith(f"({code})"), "has no sentence in refusals.th.po"
    assert refusal_text(ENGLISH, code, "this is English") == "this is English"


def test_catalogue_has_no_sentence_for_an_unknown_code() -> None:
    with Path("server/web/shell/translations/refusals.th.po").open("rb") as source:
        written = {str(entry.id).removeprefix("refusal:") for entry in read_po(source, locale="th") if entry.id}
    assert written - {*CODES, "general", "bad-field"} == set()


def test_a_code_without_a_sentence_is_shown_with_a_general_one() -> None:
    shown = text_of(THAI, Rejected("never-heard-of", "this is English"))
    assert shown.endswith(" (never-heard-of)")
    assert "English" not in shown


def test_a_field_without_a_sentence_is_shown_by_its_label() -> None:
    shown = text_of(THAI, Rejected("bad-paid-amount", "paid_amount: Field required"))
    assert shown.startswith("“จำนวนเงินที่โอน”: ")
    assert not re.search("[A-Za-z]", shown)


def messages() -> Iterator[str]:
    """Yield each message of an error whose text is written in the code, with x for what is put into it."""
    for folder in _SHOWN:
        for file in sorted(file for file in Path(folder).rglob("*.py") if not _OF_COMMANDS.search(file.stem)):
            source = file.read_text(encoding="utf-8")
            for node in ast.walk(ast.parse(source)) if "Rejected(" in source else ():
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Rejected":
                    for given in node.args[1:2]:
                        parts = given.values if isinstance(given, ast.JoinedStr) else [given]
                        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in parts)


@pytest.mark.parametrize("message", sorted({*messages(), *(f"{reason.message}: {reason.action}" for reason in Reason)}))
def test_no_message_on_a_page_names_a_field_as_programs_do(message: str) -> None:
    shown = refusal_text(ENGLISH, "any-code", message)
    assert not re.search("[a-z]_[a-z]", shown), shown


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("reported_at: Input should be a valid datetime", "“Date of the report”: Input should be a valid datetime"),
        ("tlp: Input should be 'clear'", "“Marking (TLP)”: Input should be 'clear'"),
        (
            "paid_amount: give paid_currency, too, as THB",
            "“Amount paid”: give “Currency of the amount paid”, too, as THB",
        ),
        ("sharing.only_partners.0: no such name", "“sharing only partners 0”: no such name"),
        ("unheard_of: Field required", "“unheard of”: Field required"),
        # A value, an address and a sentence with a colon stay as they are.
        ("see https://example.com/a_b_c and a_b@example.com", "see https://example.com/a_b_c and a_b@example.com"),
        ("refused: it was revoked", "refused: it was revoked"),
        ("choose one: a domain or a URL", "choose one: a domain or a URL"),
    ],
)
def test_english_message_has_the_labels_of_fields(message: str, shown: str) -> None:
    assert refusal_text(ENGLISH, "any-code", message) == shown


def names_of_matches() -> Iterator[str]:
    """Yield the names by which the guard finds values harmless without a list."""
    for file in Path("server/release/guard").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.endswith("_match"):
                yield from (str(given.value) for given in node.args[:1] if isinstance(given, ast.Constant))


def test_allowlists_have_names_in_thai() -> None:
    found = set(names_of_matches())
    assert {"main-numbers", "schools", "public-bodies"} <= found
    for name in ALLOWLISTS.keys() | found:
        assert re.search("[\u0e00-\u0e7f]", word_text(THAI, name)), name
        assert " " in word_text(ENGLISH, name), name


@pytest.mark.parametrize("vocabulary", _WORDS, ids=lambda words: words.__name__)
def test_words_that_pages_show_are_in_thai(vocabulary: type[StrEnum]) -> None:
    for word in vocabulary:
        assert re.search("[\u0e00-\u0e7f]", word_text(THAI, word)), word


def collection(alias: str, title: str, description: str = "", owner: str | None = None, use: str = "") -> Collection:
    return Collection(1, "id", alias, title, description, "released", 0, owner=owner, use=use or None)


def test_default_collections_have_titles_and_descriptions_in_thai(store: Store) -> None:
    with store.read() as tx:
        every = collections.all_collections(tx)
    assert {"takedown", "mule-accounts-full", "wallets", "sightings", "public-full"} <= {one.alias for one in every}
    for one in [*every, collection(notes.ALIAS, notes.TITLE, notes.DESCRIPTION)]:
        for text in (collection_title(THAI, one), collection_description(THAI, one)):
            assert re.search("[\u0e00-\u0e7f]", text), one.alias
            assert not re.search("[A-Za-z]{2,} [a-z]{2,}", text), one.alias
        assert collection_title(ENGLISH, one) == one.title
        assert collection_description(ENGLISH, one) == one.description


def test_titles_chosen_by_an_operator_are_unchanged() -> None:
    chosen = collection("task-force", "Task force", "For some")
    assert (collection_title(THAI, chosen), collection_description(THAI, chosen)) == ("Task force", "For some")
    assert collection_title(THAI, collection("wallets-2", "Wallets")) == "Wallets"
    assert collection_title(THAI, collection("wallets", "Our wallets")) == "Our wallets"
    full = collection("task-force-full", "Task force (full)", "For some With observables and relationships.")
    assert collection_title(THAI, full) == "Task force (ฉบับเต็ม)"
    assert collection_description(THAI, full).startswith("For some ")


@pytest.mark.parametrize("use", collections.PRIVATE_TEXTS)
def test_private_collections_are_named_in_thai_after_their_partner(use: collections.PrivateUse) -> None:
    title, description = collections.PRIVATE_TEXTS[use]
    own = collection("of-one", title.format("A {0} Bank"), description, "A {0} Bank", use)
    shown = collection_title(THAI, own)
    assert "A {0} Bank" in shown
    assert re.search("[\u0e00-\u0e7f]", shown)
    assert re.search("[\u0e00-\u0e7f]", collection_description(THAI, own))
