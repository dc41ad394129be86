"""The ``[[peer]]`` tables of the configuration."""

from datetime import timedelta
from pathlib import Path

import pytest

from feeds.settings import FeedSettings
from feeds.transport.client import LoginSettings
from schemas.tlog.notes import COSIGNATURE, SignerKey
from server.release.peer_feeds import copying_partners
from server.release.peers import CONNECTION, PeerHub, peer_of, peer_reading_as
from server.settings import BadConfiguration, Settings, load
from server.setup import hub_of
from server.store import Store

KEY = SignerKey.make("hub.example.kh/log").verifier
OTHER = SignerKey.make("hub.example.la/log").verifier


def settings_of(folder: Path, *tables: str) -> Settings:
    file = folder / "scamfeed.toml"
    file.write_text("".join(f"[[peer]]\n{table}\n" for table in tables))
    return load(file)


def test_a_table_becomes_a_peer_of_the_hub(tmp_path: Path, store: Store) -> None:
    settings = settings_of(
        tmp_path,
        f"""
        name = "Hub Cambodia"
        key = "{KEY}"
        countries = ["KH"]
        count = "as-own"
        url = "https://hub.example.kh/feed/"
        token = {{ file = "/run/secrets/hub-kh" }}
        every = "1m"
        tlp = "amber"
        limits = true
        lease = "30s"
        most_reports = 10
        forget_after = "2d"
        """,
        f'name = "Hub Laos"\nkey = "{OTHER}"',
    )
    cambodia, laos = hub_of(settings, store).peers
    assert cambodia == PeerHub(
        "Hub Cambodia",
        KEY,
        frozenset({"KH"}),
        "as-own",
        "amber",
        True,
        timedelta(seconds=30),
        10,
        timedelta(days=2),
        "Hub Cambodia",
        "https://hub.example.kh/feed/",
        {"token": {"file": "/run/secrets/hub-kh"}, "every": "1m"},
    )
    assert laos == PeerHub("Hub Laos", OTHER, partner="Hub Laos")
    assert (laos.count, laos.tlp, laos.limits, laos.lease) == ("as-one", "green", False, timedelta(hours=24))
    assert peer_of((cambodia, laos), "hub.example.la/log") is laos
    assert peer_reading_as((cambodia, laos), "Hub Cambodia") is cambodia
    assert peer_of((cambodia, laos), "hub.example.vn/log") is None


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (f'name = "A"\nkey = "{KEY}"\nleese = "1h"', "leese: no such setting"),
        (f'name = "A"\nkey = "{KEY}"\ntoken = {{ env = "HUB" }}', "token: only a peer with a url"),
        ('name = "A"\nkey = "hub.example.kh/log"', "scamfeed log status"),
        (f'name = "A"\nkey = "{SignerKey.make("w", COSIGNATURE).verifier}"', "key of a witness"),
        (f'name = "A"\nkey = "{KEY}"\ncount = "double"', "peer.0.count"),
        (f'name = "A"\nkey = "{KEY}"\nlease = "0h"', "peer.0.lease"),
        (f'name = "A"\nkey = "{KEY}"\ncountries = ["Cambodia"]', "peer.0.countries"),
    ],
    ids=["leese", "token", "half-key", "witness", "count", "lease", "countries"],
)
def test_a_table_that_cannot_be_used_is_named(tmp_path: Path, table: str, message: str) -> None:
    with pytest.raises(BadConfiguration, match=message):
        settings_of(tmp_path, table)


@pytest.mark.parametrize(
    ("name", "key", "message"), [("Hub Laos", KEY, "name of the key"), ("Hub Cambodia", OTHER, "the same name")]
)
def test_two_tables_of_one_hub_are_refused(tmp_path: Path, name: str, key: object, message: str) -> None:
    with pytest.raises(BadConfiguration, match=message):
        settings_of(tmp_path, f'name = "Hub Cambodia"\nkey = "{KEY}"', f'name = "{name}"\nkey = "{key}"')


def test_the_connection_has_the_login_settings_of_every_feed() -> None:
    own = {"name", "connector", "cron", "batch"}
    assert set(CONNECTION) == (set(LoginSettings.model_fields) | set(FeedSettings.model_fields)) - own


def test_partners_of_feeds_that_read_a_peer_alone_contribute_copies() -> None:
    peer = PeerHub("Hub Cambodia", KEY, url="https://hub.example.kh/feed/")
    feeds = [
        {"contribute_as": "Old hub", "url": "https://hub.example.kh/feed/"},
        {"contribute_as": "Both", "url": "https://hub.example.kh/feed/"},
        {"contribute_as": "Both", "url": "https://lists.example.com/"},
        {"contribute_as": "Lists", "url": "https://lists.example.com/"},
    ]
    assert copying_partners([peer], feeds) == {"Old hub"}
