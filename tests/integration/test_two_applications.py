"""Two applications in one process do not share credentials, limits or trusted proxies."""

import base64
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from schemas.partner import Partner, PartnerKind
from server.app import close, create_app
from server.observe import AnsweredRequest
from server.settings import Settings
from server.store import Store, collections, partners
from server.web.taxii.application import TaxiiApplication

OBJECTS = "/feed/collections/shared/objects/"
FORWARDED = {"X-Forwarded-For": "203.0.113.7"}


class Noted:
    """Records the requests that one application answered."""

    def __init__(self) -> None:
        self.requests: list[AnsweredRequest] = []

    def note(self, request: AnsweredRequest) -> None:
        self.requests.append(request)


class Application:
    """An application with its own store, and its partner's token."""

    def __init__(self, folder: Path, **settings: object) -> None:
        folder.mkdir()
        url = f"sqlite:///{folder / 'hub.db'}"
        store = Store.open(url)
        store.migrate()
        with store.begin() as tx:
            shared = collections.add(tx, "shared", "Shared")
            given = partners.add(
                tx, Partner(name="bank", kind=PartnerKind.BANK, identity=f"identity--{uuid.uuid4()}", vouched=True)
            )
            collections.grant(tx, "bank", shared, read=True)
        store.close()
        self.flask: Flask = create_app(Settings.model_validate({"database_url": url, **settings}))
        self.noted = Noted()
        assert isinstance(self.flask.wsgi_app, TaxiiApplication)
        self.flask.wsgi_app.observers = (self.noted,)
        self.login = {"Authorization": f"Bearer {given.token}"}

    def status(self, path: str = OBJECTS, **headers: str) -> int:
        return self.flask.test_client().get(path, headers=headers or self.login).status_code

    def guess(self) -> int:
        basic = base64.b64encode(b"bank:not-the-password").decode()
        return self.status(Authorization=f"Basic {basic}")


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[Application, Application]]:
    limited = Application(tmp_path / "limited", rate_limit=3, trusted_proxies="127.0.0.0/8", max_objects=5)
    free = Application(tmp_path / "free")
    yield limited, free
    for application in (limited, free):
        close(application.flask)


def test_each_has_its_own_partners(both: tuple[Application, Application]) -> None:
    limited, free = both
    assert (limited.status(), free.status()) == (200, 200)
    assert free.status(**limited.login) == 401


def test_each_has_its_own_limits_and_observers(both: tuple[Application, Application]) -> None:
    limited, free = both
    assert [limited.status() for _ in range(4)] == [200, 200, 200, 429]
    assert [free.status() for _ in range(4)] == [200] * 4
    assert [request.status for request in limited.noted.requests] == [200, 200, 200, 429]
    assert [request.status for request in free.noted.requests] == [200] * 4


def test_each_trusts_its_own_proxies(both: tuple[Application, Application]) -> None:
    limited, free = both
    for application in both:
        application.status(**application.login, **FORWARDED)
    assert [application.noted.requests[-1].remote for application in (limited, free)] == ["203.0.113.7", "127.0.0.1"]


def test_wrong_passwords_in_one_do_not_slow_the_other(both: tuple[Application, Application]) -> None:
    limited, free = both
    assert [free.guess() for _ in range(12)][-1] == 429
    assert limited.guess() == 401
