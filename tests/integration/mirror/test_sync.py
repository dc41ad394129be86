"""A mirror next to a hub that reports, retracts, narrows, grants and revokes."""

import json

from feeds.client.mirror.copies import CopyWriter
from tests.integration.mirror.conftest import MirroredScamfeed
from tests.times import text_ahead

ACCOUNT = "DE89370400440532013000"


def test_a_reported_value_is_found_and_a_retracted_one_is_not(hub: MirroredScamfeed) -> None:
    hub.report("a0.example.com", "b0.example.com")
    done = hub.sync()
    assert done.is_well, done
    with hub.open() as mirror:
        found = mirror.check("A0.example[.]com.")
        assert (found.found, found.kind, found.normal) == (True, "domain", "a0.example.com")
        assert found.grade == "block"
        assert found.action == "block"
        assert found.collections == ("takedown",)
        assert found.hubs == ("hub",)
        assert not found.stale
        assert found.as_of is not None
        assert not mirror.check("c0.example.com").found
        hub.retract("a0.example.com")
        assert mirror.check("a0.example.com").found
        assert hub.sync().is_well
        assert not mirror.check("a0.example.com").found
        assert mirror.check("b0.example.com").found


def test_copy_starts_from_the_stream_and_equals_the_hub(hub: MirroredScamfeed) -> None:
    hub.report(*(f"s{number}.example.com" for number in range(20)))
    hub.report("ending.example.com", valid_until=text_ahead(days=30))
    hub.retract("s7.example.com")

    def is_equal() -> bool:
        return {synced.digest for synced in hub.sync().collections} == {"equal"}

    first = hub.sync()
    assert sum(synced.read for synced in first.collections) == sum(synced.active for synced in first.collections)
    hub.wait_until(is_equal)
    hub.report("s20.example.com")
    hub.retract("s8.example.com")
    hub.wait_until(is_equal)
    with hub.open() as mirror:
        found = [mirror.check(f"s{number}.example.com").found for number in range(22)]
    assert found == [number not in (7, 8, 21) for number in range(22)]


def test_copy_of_a_full_variant_equals_the_hub(hub: MirroredScamfeed) -> None:
    def is_equal() -> bool:
        done = hub.sync("takedown-full")
        return [(synced.digest, synced.repaired) for synced in done.collections] == [("equal", False)]

    hub.report("f0.example.com", "f1.example.com", description="Words of their own.")
    hub.retract("f1.example.com")
    hub.grant("takedown-full")
    try:
        hub.wait_until(is_equal)
        hub.report("f1.example.com", "f2.example.com")
        hub.wait_until(is_equal)
        hub.retract("f0.example.com")
        hub.retract("f2.example.com")
        hub.wait_until(is_equal)
    finally:
        hub.revoke("takedown-full")


def test_an_account_is_found_by_iban_and_by_bank_code_and_number(hub: MirroredScamfeed) -> None:
    hub.report(ACCOUNT, kind="bank-account")
    hub.sync()
    with hub.open() as mirror:
        assert mirror.check("DE89 3704 0044 0532 0130 00").found
        by_number = mirror.check("0532013000", "bank-account", {"bank": "37040044", "country": "DE"})
        assert by_number.found
        assert by_number.listings[0].collection == "mule-accounts"


def test_malformed_value_is_an_error_in_the_result(hub: MirroredScamfeed) -> None:
    hub.sync(actions={"error": "ask", "none": "pay", "block": "decline"})
    with hub.open() as mirror:
        refused = mirror.check("DE89370400440532013001", "bank-account")
        assert refused.error is not None
        assert (refused.action, refused.found) == ("ask", False)
        assert mirror.check("d2.example.com").action == "pay"


def test_new_private_collection_is_followed_and_a_lost_one_dropped(hub: MirroredScamfeed) -> None:
    hub.report("a3.example.com", "b3.example.com")
    hub.sync()
    hub.report("secret3.example.com", sharing={"only_partners": ["Bank"]})
    done = hub.sync()
    assert any(synced.alias.startswith("for-") for synced in done.collections), done
    with hub.open() as mirror:
        assert mirror.check("secret3.example.com").found
        hub.revoke("takedown")
        done = hub.sync()
        assert (done.dropped, done.missing) == (("takedown",), ("takedown",))
        assert not mirror.check("a3.example.com").found
        assert mirror.check("a3.example.com").stale
        assert mirror.check("secret3.example.com").found
        hub.grant("takedown")
        assert hub.sync().is_well
        assert mirror.check("a3.example.com").found
        assert not mirror.check("z3.example.com").stale


def test_file_contains_no_value(hub: MirroredScamfeed) -> None:
    hub.report("a4.example.com")
    hub.report(ACCOUNT, kind="bank-account")
    hub.sync()
    with hub.open(), CopyWriter(hub.file) as writer:
        writer.keep_fact("x", 1)
        beside = list(hub.file.parent.glob("mirror.db*"))
        assert len(beside) >= 3
        assert not any(path.stat().st_mode & 0o077 for path in beside if path.suffix != ".lock")
    written = b"".join(path.read_bytes() for path in hub.file.parent.glob("mirror.db*"))
    assert b"a4.example.com" not in written
    assert ACCOUNT.encode() not in written


def test_unreachable_hub_leaves_the_copy_unchanged(hub: MirroredScamfeed) -> None:
    hub.report("a6.example.com")
    hub.sync()
    done = hub.sync(hub={"url": "http://127.0.0.1:9/feed/"})
    assert done.error
    with hub.open() as mirror:
        assert mirror.check("a6.example.com").grade == "block"
        assert json.dumps(mirror.state().errors)
