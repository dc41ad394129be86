"""The JSON of a TAXII server's answers."""

import pytest
import requests

from feeds.http.login import LoginSettings
from feeds.http.taxii import open_connection


def answer(body: bytes) -> requests.Response:
    response = requests.Response()
    response.status_code, response._content = 200, body
    return response


@pytest.mark.parametrize(
    "text",
    [
        '{"objects":[{"id":"a","count":18446744073709551616}]}',
        '{"name":"\\ud800"}',
        "\ufeff{}",
        "[1e400]",
    ],
)
def test_an_answer_is_read_as_the_careful_parser_reads_it(text: str) -> None:
    settings = LoginSettings()
    session = open_connection(settings, "https://peer.example.com/").session
    response = answer(text.encode())
    careful = response.json
    for hook in session.hooks["response"]:
        hook(response)
    assert repr(response.json()) == repr(careful())
