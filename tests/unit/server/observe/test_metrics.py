"""Every metric is declared, and the alert rules and the dashboard use metrics that exist."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from prometheus_client.parser import text_string_to_metric_families

from server.observe.families import declared
from server.observe.metrics import Metrics
from server.observe.node import NodeCollector
from server.release.hub import Hub
from server.store import Store
from tests.initial_stores import initial_url
from tests.mail_server import certificate_in

DEPLOY = Path(__file__).parents[4] / "docs/deploy"
KNOWN = {family.name: family for family in declared()}


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with closing(Store.open(initial_url(request, tmp_path))) as store:
        yield store


def families(store: Store) -> dict[str, Any]:
    page = Metrics(store, Hub(store)).page().decode()
    return {one.name: one for one in text_string_to_metric_families(page) if one.name.startswith("scamfeed_")}


def test_page_has_declared_metrics_with_their_labels(store: Store) -> None:
    found = families(store)
    assert found.keys() <= KNOWN.keys()
    for name, metric in found.items():
        assert metric.documentation == KNOWN[name].documentation
        labels = {label for sample in metric.samples for label in sample.labels}
        assert labels <= {*KNOWN[name].labels, "le"}


def test_figures_without_labels_are_always_there(store: Store) -> None:
    without = {name for name, one in KNOWN.items() if not one.labels and name not in _ONLY_WITH}
    assert without <= families(store).keys()


# A server with a certificate, and a hub with peers.
_ONLY_WITH = {"scamfeed_certificate_end_seconds", "scamfeed_peer_conflicts"}


def test_node_has_figures_of_its_process_its_disk_and_its_database(store: Store) -> None:
    found = families(store)
    value = {name: found[name].samples[0].value for name in found if found[name].samples}
    assert value["scamfeed_processes"] == 1
    assert value["scamfeed_process_resident_bytes"] > 10_000_000
    assert value["scamfeed_process_cpu_seconds"] > 0
    assert value["scamfeed_process_open_files"] > 3
    assert 0 < value["scamfeed_database_answer_seconds"] < 60
    disks = {sample.labels["what"] for sample in found["scamfeed_disk_free_bytes"].samples}
    on_server = store.folder is None
    assert disks == ({"bodies"} if on_server else {"bodies", "database"})
    assert ("scamfeed_database_connections" in found) == on_server


def test_node_without_its_database_shows_its_own_figures(tmp_path: Path) -> None:
    with closing(Store.open("postgresql+psycopg://nobody@127.0.0.1:1/none")) as store:
        found = families(store)
    assert "scamfeed_processes" in found
    assert "scamfeed_database_answer_seconds" not in found
    assert "scamfeed_reviews_open" not in found


def test_end_of_the_certificate_is_that_of_its_file(store: Store, tmp_path: Path) -> None:
    certificate = certificate_in(tmp_path)
    found = {one.name: one for one in NodeCollector(store, certificate).collect()}
    [sample] = found["scamfeed_certificate_end_seconds"].samples
    end = x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc
    assert sample.value == pytest.approx(end.timestamp() - time.time(), abs=60)
    certificate.write_text("not a certificate")
    found = {one.name: one for one in NodeCollector(store, certificate).collect()}
    assert found["scamfeed_certificate_end_seconds"].samples[0].value < 0


def _expressions() -> Iterator[str]:
    rules = yaml.safe_load((DEPLOY / "alerts.yml").read_text(encoding="utf-8"))
    for group in rules["groups"]:
        yield from (rule["expr"] for rule in group["rules"])
    dashboard = json.loads((DEPLOY / "dashboard.json").read_text(encoding="utf-8"))
    for panel in dashboard["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))


def test_alerts_and_dashboard_use_metrics_that_exist() -> None:
    stored = {
        f"{one.name}{suffix}"
        for one in declared()
        for suffix in {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"], "gauge": [""]}[one.kind]
    }
    used = {name for expression in _expressions() for name in re.findall(r"scamfeed_\w+", expression)}
    assert len(used) > 30
    assert used <= stored


def test_alert_rules_pass_their_own_tests() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("NO ALERT RULE IS TESTED: promtool is not installed (Debian's prometheus)")
    done = subprocess.run(
        [promtool, "test", "rules", "alerts.test.yml"], cwd=DEPLOY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
