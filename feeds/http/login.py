"""Logins at other servers: user and password (HTTP Basic), or a Bearer token."""

from typing import Annotated, Self

import requests
from pydantic import Field, model_validator
from requests.auth import AuthBase, HTTPBasicAuth

from feeds.connector import Secret
from feeds.http.client import OutboundSettings


class PasswordSettings(OutboundSettings):
    """Settings of a feed whose server may ask for user and password."""

    user: Annotated[str | None, Field(description="our user name there")] = None
    password: Annotated[Secret | None, Field(description="our password there")] = None

    @model_validator(mode="after")
    def _whole_login(self) -> Self:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password come together")
        return self

    @property
    def has_credentials(self) -> bool:
        """Return whether a login is set."""
        return bool(self.user)

    def auth(self) -> AuthBase | None:
        """Return the login to set as ``auth`` of a session; None without one."""
        if self.user and self.password:
            return HTTPBasicAuth(self.user, self.password.reveal())
        return None


class LoginSettings(PasswordSettings):
    """Settings of a feed whose server may ask for user and password, or for a token."""

    token: Annotated[Secret | None, Field(description="a Bearer token instead of user and password")] = None

    @model_validator(mode="after")
    def _one_login(self) -> Self:
        if self.user and self.token:
            raise ValueError("give user and password, or token")
        return self

    @property
    def has_credentials(self) -> bool:
        """Return whether a login is set."""
        return bool(self.user or self.token)

    def auth(self) -> AuthBase | None:
        """Return the login to set as ``auth`` of a session; None without one."""
        return Bearer(self.token.reveal()) if self.token else super().auth()


class Bearer(AuthBase):
    """A token in the Authorization header."""

    def __init__(self, token: str) -> None:
        """Keep the token."""
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put the token into a request."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request
