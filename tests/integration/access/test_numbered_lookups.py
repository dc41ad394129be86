"""A walk through telephone numbers costs the same in every notation."""

from pathlib import Path

import pytest

from mappers import ids
from schemas.partner import Partner, PartnerKind
from server.app import close, create_app
from server.settings import Settings
from server.store import Store, partners
from tests.initial_stores import initial_url

MISS_COST, LIMIT = 20, 1_000


@pytest.mark.parametrize(
    ("form", "is_number"),
    [
        ("+6681{:07}", True),
        ("whatsapp:+6681{:07}", True),
        ("https://wa.me/6681{:07}", True),
        ("https://api.whatsapp.com/send?phone=6681{:07}", True),
        ("viber://chat?number=%2B6681{:07}", True),
        ("081{:07}@mail.example.com", True),
        ("promptpay:081{:07}", True),
        ("shop-{}.example", False),
        ("https://shop.example/{}", False),
    ],
)
@pytest.mark.parametrize("names_kind", [False, True])
def test_value_that_contains_a_number_costs_like_the_number(
    request: pytest.FixtureRequest, tmp_path: Path, form: str, is_number: bool, names_kind: bool
) -> None:
    settings = Settings(
        database_url=initial_url(request, tmp_path),
        access_log="off",
        lookup_values=LIMIT,
        lookup_miss_cost=MISS_COST,
        rate_limit=0,
    )
    app = create_app(settings)
    store: Store = app.extensions["scamfeed-store"]
    with store.begin() as tx:
        bank = Partner(name="Bank", kind=PartnerKind.BANK, country="TH", identity=ids.identity("Bank"))
        token = partners.add(tx, bank).token
    kind = "url" if form.startswith(("http", "viber")) else "social-account" if "whatsapp:" in form else None
    client, asked = app.test_client(), 0
    while asked < LIMIT:
        texts = [form.format(asked + place) for place in range(10)]
        values = [{"value": text, **({"kind": kind} if kind and names_kind else {})} for text in texts]
        answer = client.post("/api/lookup", json={"values": values}, headers={"Authorization": f"Bearer {token}"})
        if answer.status_code == 429:
            break
        assert answer.status_code == 200, answer.text
        asked += 10
    close(app)
    assert (asked <= LIMIT / MISS_COST + 10) is is_number
