"""The settings of each client of docs/clients.md, with a partner's own addresses and no secret."""

import shlex
from typing import NamedTuple

from server.web.shell.words import Translatable, mark


class ConnectionPlace(NamedTuple):
    """The addresses of a partner: the hub's address, its user name, and the collection that it wants to read.

    ``plain`` is the collection with indicators alone, ``full`` the one with observables and relationships too; each by
    its id, "" where the partner may not read it.
    """

    root: str
    user: str
    alias: str
    plain: str
    full: str

    @property
    def host(self) -> str:
        """Return the address of the host with its scheme left out."""
        return self.root.partition("://")[2]


class ClientHelp(NamedTuple):
    """The settings of one client, in its own words, as pairs; a text to copy; and further notes."""

    name: str
    settings: tuple[tuple[str, str], ...] = ()
    text: str = ""
    remark: Translatable = ""


_OWN_WORDS = mark("Put your password, or your token, where the client asks for it.")
_ADVANCES = mark("It keeps its place by itself, and reads what is new.")


def clients(place: ConnectionPlace) -> list[ClientHelp]:
    """Return the help for each client; the collection is the one that suits the client."""
    plain, full = place.plain or place.full, place.full or place.plain
    root, user = place.root, place.user
    discovery, api_root = f"{root}/taxii2/", f"{root}/feed/"
    return [
        ClientHelp(
            "curl",
            text=f"curl -u {shlex.quote(f'{user}:PASSWORD')} -H 'Accept: application/taxii+json;version=2.1' "
            f"{api_root}collections/{plain}/objects/",
        ),
        ClientHelp(
            "scamfeed mirror",
            text=_mirror(place),
            remark=mark("A copy of your own, for decisions while a customer waits."),
        ),
        ClientHelp("taxii2-client", text=_taxii2_client(place, plain)),
        ClientHelp(
            "cytaxii2",
            text=f"from cytaxii2 import cytaxii2\n\nclient = cytaxii2({discovery!r}, {user!r}, PASSWORD)",
            remark=mark("Over HTTPS only."),
        ),
        ClientHelp(
            "OpenCTI",
            (
                ("URL", f"{root}/feed"),
                ("Collection", full),
                ("Version", "TAXII 2.1"),
                ("Authentication", f"Basic, {user}:PASSWORD"),
            ),
            remark=mark("Leave the start date empty for everything. Let no decay rule lengthen “valid until”."),
        ),
        ClientHelp(
            "Elastic",
            (("URL", f"{api_root}collections/{plain}/objects/"), ("API key type", "Bearer"), ("API key", "TOKEN")),
            remark=mark("Custom Threat Intelligence, TAXII 2.1."),
        ),
        ClientHelp(
            "Microsoft Sentinel",
            (("API root URL", api_root), ("Collection ID", plain), ("Username", user), ("Password", "PASSWORD")),
            remark=_OWN_WORDS,
        ),
        ClientHelp(
            "Cortex XSOAR",
            (
                ("Discovery Service URL", discovery),
                ("Default API Root", "feed"),
                ("Collection Name To Fetch", place.alias),
                ("Username", user),
                ("Max objects per page", "100"),
            ),
            remark=_ADVANCES,
        ),
        ClientHelp(
            "Splunk",
            (("Server base URL", discovery), ("API root URL", api_root), ("User", user)),
            remark=mark("To contribute by the CTIS TAXII add-on; to read, Enterprise Security from 8.2 on."),
        ),
        ClientHelp(
            "EclecticIQ",
            (("Auto Discovery", discovery), ("API root URL", api_root), ("Collection ID", plain), ("Username", user)),
            remark=mark("TAXII 2.1 poll. Raise the 100 objects a run."),
        ),
        ClientHelp(
            "MISP",
            (("Base URL", root), ("API root", "feed"), ("Collection", plain), ("User", user)),
            remark=_OWN_WORDS,
        ),
    ]


def _mirror(place: ConnectionPlace) -> str:
    return (
        f'[mirror]\nfile = "mirror.db"\n\n[[hub]]\nname = "hub"\nurl = "{place.root}/taxii2/"\n'
        f'token = {{ env = "HUB_TOKEN" }}\ncollections = ["{place.alias}"]'
    )


def _taxii2_client(place: ConnectionPlace, collection: str) -> str:
    return (
        "from taxii2client.v21 import Collection, as_pages\n\n"
        f'collection = Collection(\n    "{place.root}/feed/collections/{collection}/",\n'
        f"    user={place.user!r},\n    password=PASSWORD,\n)\n"
        "for envelope in as_pages(collection.get_objects, per_request=1000):\n"
        '    print(len(envelope.get("objects", [])))'
    )
