"""Logins of feeds: whole ones, one at a time, and never in clear."""

from typing import Annotated, Any

import pytest
import requests
from pydantic import Field, ValidationError

from feeds.http.client import OutboundSettings
from feeds.http.login import LoginSettings, PasswordSettings

SECRET = {"env": "TESTED"}


class Asking(OutboundSettings):
    """Settings of a feed without a login of its own."""

    url: Annotated[str, Field(description="the server")]


class AskingWithLogin(LoginSettings):
    url: Annotated[str, Field(description="the server")]


@pytest.mark.parametrize("login", [{"user": "u"}, {"password": SECRET}])
@pytest.mark.parametrize("model", [PasswordSettings, LoginSettings])
def test_half_a_login_is_refused(model: type[PasswordSettings], login: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="user and password come together"):
        model.model_validate(login)


def test_two_logins_are_refused() -> None:
    with pytest.raises(ValidationError, match="give user and password, or token"):
        LoginSettings.model_validate({"user": "u", "password": SECRET, "token": SECRET})


def test_a_connector_sends_credentials_by_default() -> None:
    with pytest.raises(ValidationError, match="url: http:// shows the credentials"):
        Asking(url="http://peer.example/")
    assert Asking(url="http://peer.example/", allow_http=True)


@pytest.mark.parametrize("login", [{"user": "u", "password": SECRET}, {"token": SECRET}])
def test_no_login_is_sent_in_clear(login: dict[str, Any]) -> None:
    assert AskingWithLogin(url="http://peer.example/")
    with pytest.raises(ValidationError, match="url: http:// shows the credentials"):
        AskingWithLogin.model_validate({"url": "http://peer.example/", **login})


@pytest.mark.parametrize(
    ("login", "header"),
    [
        ({}, None),
        ({"user": "u", "password": SECRET}, "Basic dTpzM2NyZXQ="),
        ({"token": SECRET}, "Bearer s3cret"),
    ],
)
def test_the_login_goes_into_the_header(
    login: dict[str, Any], header: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TESTED", "s3cret")
    request = requests.Request("GET", "https://peer.example/", auth=LoginSettings.model_validate(login).auth())
    assert request.prepare().headers.get("Authorization") == header
