"""Random histories: the acts of partners and of a hub's operator, one step after the other, as plain data.

A step contains everything, including its moment, so that two versions of the project can play it. The player replaces
words that begin with ``@``, such as ``@now`` and ``@listing``.
"""

import json
import random
import uuid
from collections.abc import Mapping
from typing import Any

Step = dict[str, Any]

# Name, and the operator's options.
PARTNERS: Mapping[str, str] = {
    "First Bank": "--kind bank --country TH --read mule-accounts --read takedown-full --read sightings",
    "Second Bank": "--kind bank --country KH --read mule-accounts-full --read sightings-full --read public",
    "Bank Cards": "--kind bank --country TH --organisation 'First Bank' --read mule-accounts --read wallets",
    "Exchange": "--kind exchange --read wallets --read wallets-full --read mule-accounts",
    "Platform": "--kind platform --country TH --trusted --named --read takedown --read sightings --read public-full",
    "Police": "--kind government --country TH --authority bank-account --authority domain --named"
    " --read mule-accounts --read takedown --read takedown-full --read wallets-full --read sightings",
    "Forwarder": "--kind research --country DE --forwards --read takedown --read public --read sightings-full",
    "Newcomer": "--kind ngo --country SG --read public",
}
NAMES = tuple(PARTNERS)
READABLE = ("takedown", "takedown-full", "mule-accounts", "mule-accounts-full", "wallets", "wallets-full", "public")

VALUES: tuple[dict[str, str], ...] = (
    {"kind": "domain", "value": "parcel-refund-th.com"},
    {"kind": "domain", "value": "cheap-phones-store.shop"},
    {"kind": "url", "value": "https://pay-now-online.shop/login?x=1"},
    {"kind": "email", "value": "help@parcel-refund-th.com"},
    {"kind": "ip", "value": "45.77.12.9"},
    {"kind": "phone", "value": "+66812345678"},
    {"kind": "phone", "value": "KBANKX", "country": "TH"},
    {"kind": "bank-account", "value": "4567890123", "bank": "KBANK", "country": "TH"},
    {"kind": "bank-account", "value": "DE89370400440532013000"},
    {"kind": "wallet", "value": "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"},
    {"kind": "payment-alias", "value": "0812345678", "system": "promptpay"},
    {"kind": "social-account", "value": "scam.shop", "platform": "facebook"},
    {"kind": "app", "value": "com.evil.loan", "os": "android"},
    {"kind": "domain", "value": "kasikornbank.com"},
    {"kind": "domain", "value": "shop.example.com"},
)
_PATTERNS: tuple[str, ...] = (
    "[domain-name:value = 'parcel-refund-th.com']",
    "[domain-name:value = 'cheap-phones-store.shop']",
    "[url:value = 'https://pay-now-online.shop/login?x=1']",
    "[email-addr:value = 'help@parcel-refund-th.com']",
    "[ipv4-addr:value = '45.77.12.9']",
    "[phone-number:value = '+66812345678']",
    "[phone-number:value = '66812345678']",
    "[bank-account:account_number = '4567890123' AND bank-account:bic = 'KASITHBK']",
    "[bank-account:iban = 'DE89370400440532013000']",
    "[cryptocurrency-wallet:value = '0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed']",
    "[user-account:account_type = 'facebook' AND user-account:account_login = 'scamshop']",
    "[domain-name:value = 'one.shop' OR domain-name:value = 'two.shop']",
    "[file:hashes.'SHA-256' = 'aa' AND",
)
_TLP1 = {
    "white": "613f2e26-407d-48c7-9eca-b8e91df99dc9",
    "green": "34098fce-860f-48ae-8e50-ebd3cc5e41da",
    "amber": "f88d31f6-486f-44da-b317-01333bde0b82",
    "red": "5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
}
_TLP2 = {
    "clear": "94868c89-83c2-464b-929b-a1a8aa3c8487",
    "green": "bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    "amber": "55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    "amber+strict": "939a9414-2ddd-4d32-a0cd-375ea402b003",
    "red": "e828b379-4e03-4974-9ac4-e53a884c97c1",
}
_OPINIONS = ("strongly-disagree", "disagree", "neutral", "agree", "strongly-agree")
_OUTCOMES = ("blocked", "taken-down", "held", "no-action", "false-positive", "already-known")
_RULES: tuple[list[dict[str, Any]], ...] = (
    [],
    [
        {"collection": "takedown", "kinds": ["domain", "url", "ip", "email"], "least_reporters": 2},
        {"collection": "mule-accounts", "kinds": ["bank-account", "phone"]},
        {"collection": "public", "tlp": "clear"},
    ],
    [
        {"collection": "takedown"},
        {"collection": "mule-accounts", "kinds": ["bank-account"], "tlp": "green"},
        {"collection": "wallets", "kinds": ["wallet"], "grades": ["block", "hold", "step-up"]},
        {"collection": "public", "tlp": "clear", "least_confidence": 60},
    ],
)


class Historian:
    """Draws the steps of one history; later steps refer to earlier ones."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - draws histories, guards nothing
        # The reports of each partner: columns by partner, value and number of retractions.
        self._said: dict[tuple[str, int], dict[str, Any]] = {}
        self._raw: list[dict[str, Any]] = []
        self._records: list[tuple[str, dict[str, Any]]] = []
        self._markings: dict[str, list[str]] = {}
        self._few = self._chance.sample(range(len(VALUES)), self._chance.randint(3, 7))

    def steps(self, count: int) -> list[Step]:
        """Draw this many steps."""
        return [self._step() for _ in range(count)]

    def _step(self) -> Step:
        chance = self._chance
        draws = (
            (40, self._post),
            (8, self._narrow),
            (8, self._take_back),
            (4, self._retract),
            (4, self._review),
            (3, self._operate),
            (2, self._rule),
            (8, self._poll),
            (2, lambda: {"do": "restart"}),
        )
        step = chance.choices([draw for _, draw in draws], [weight for weight, _ in draws])[0]()
        pause = chance.choice((1, 7, 60, 600, 3600, 3 * 3600, 86_400, 9 * 86_400, 40 * 86_400))
        return {"after": min(pause, chance.choice((60, 3600, 40 * 86_400))), "node": chance.randrange(2), **step}

    def _post(self) -> Step:
        by = self._chance.choice(NAMES)
        drawn = [self._object(by) for _ in range(self._chance.choice((1, 1, 1, 2, 3, 6)))]
        return {"do": "post", "by": by, "objects": drawn}

    def _object(self, by: str) -> dict[str, Any]:
        chance = self._chance
        what = chance.choices(
            ("report", "again", "raw", "raw again", "record", "note", "opinion", "sighting", "marking", "odd"),
            (34, 10, 14, 5, 14, 4, 8, 6, 3, 2),
        )[0]
        match what:
            case "report":
                return self._report(by, chance.choice(self._few))
            case "again" if mine := [value for name, value in self._said if name == by]:
                return self._report(by, chance.choice(mine), again=True)
            case "raw again" if mine := [obj for obj in self._raw if obj["created_by_ref"] == _identity(by)]:
                return self._version(chance.choice(mine))
            case "raw" | "again" | "raw again" | "report":
                return self._indicator(by)
            case "record":
                return self._record(by)
            case "marking":
                return self._marking(by)
            case "odd":
                return self._odd(by)
        return self._annotation(by, what)

    def _report(self, by: str, value: int, *, again: bool = False) -> dict[str, Any]:
        chance = self._chance
        before = self._said.get((by, value))
        columns: dict[str, str] = {} if before is None or not again else dict(before["columns"])
        columns |= VALUES[value]
        for name, words in (
            ("tlp", ("clear", "green", "amber", "amber", "amber+strict", "red")),
            ("confidence", ("10", "40", "60", "80", "95")),
            ("scam_type", ("investment", "romance", "merchandise", "unknown", "credential-phishing")),
            ("description", ("Asks for a fee.", "โอนเงินก่อน", "Offers loans; never pays.", "x" * 600)),
            ("action", ("block", "hold", "step-up", "warn", "monitor")),
            ("only_partners", ("Police", "Second Bank;Exchange")),
            ("not_to_partners", ("Exchange", "Platform")),
            ("only_partner_kinds", ("bank", "bank;government")),
            ("only_countries", ("TH", "TH;KH")),
            ("not_to_countries", ("KH",)),
            ("purposes", ("law-enforcement",)),
            ("countries", ("TH", "TH,KH", "VN")),
            ("first_seen", ("2026-10-01",)),
            ("channel", ("telephone", "messenger")),
            ("reference", ("case-1", "case-2")),
            ("sha256", ("a" * 64,)),
            ("lang", ("th", "en")),
        ):
            if chance.random() < (0.75 if name == "tlp" else 0.12):
                columns[name] = chance.choice(words)
        if VALUES[value]["kind"] in ("bank-account", "wallet"):
            if chance.random() < 0.3:
                columns["holder_status"] = chance.choice(("deceived", "coerced", "complicit", "unknown"))
            if chance.random() < 0.2:
                columns |= {"hold_until": "2027-01-15T00:00:00Z", "hold_reference": "H-1"}
        seq = 0 if before is None else before["seq"] + before["gone"]
        self._said[by, value] = {"columns": columns, "seq": seq, "gone": False}
        return {"make": "report", "columns": columns, "seq": seq, "alone": chance.random() < 0.4}

    def _indicator(self, by: str) -> dict[str, Any]:
        """Draw an indicator in the form of other software."""
        chance = self._chance
        at = chance.choice(("@now", "@now", "@now-3600", "@now-86400"))
        obj: dict[str, Any] = {
            "type": "indicator",
            "spec_version": "2.1",
            "id": f"indicator--{self._uuid()}",
            "created_by_ref": _identity(by),
            "created": at,
            "modified": at,
            "pattern": chance.choice(_PATTERNS),
            "pattern_type": "stix",
            "valid_from": at,
        }
        for name, value in (
            ("name", "Bad thing"),
            ("description", "Seen in a case."),
            ("confidence", chance.randrange(101)),
            ("labels", ["scam", "phishing"]),
            ("indicator_types", ["malicious-activity"]),
            ("valid_until", chance.choice(("@now+86400", "@now+8640000", "@now-60"))),
            ("lang", "en"),
            ("x_opencti_score", 80),
            ("kill_chain_phases", [{"kill_chain_name": "misp-category", "phase_name": "Fraud"}]),
            ("external_references", [{"source_name": "list", "url": "https://list.invalid/1"}]),
        ):
            if chance.random() < 0.3:
                obj[name] = value
        obj |= self._marked(by)
        if chance.random() < 0.15:
            obj["created_by_ref"] = _identity(chance.choice((*NAMES, "Somebody")))
        self._raw.append(obj)
        return {"make": "stix", "object": dict(obj)}

    def _marked(self, by: str) -> dict[str, Any]:
        chance = self._chance
        draw = chance.random()
        if draw < 0.4:
            return {"object_marking_refs": [f"marking-definition--{chance.choice(list(_TLP2.values()))}"]}
        if draw < 0.6:
            return {"object_marking_refs": [f"marking-definition--{chance.choice(list(_TLP1.values()))}"]}
        if draw < 0.7 and by in self._markings:
            return {"object_marking_refs": [chance.choice(self._markings[by])]}
        if draw < 0.75:
            return {"object_marking_refs": [f"marking-definition--{self._uuid()}"]}
        return {}

    def _version(self, obj: dict[str, Any]) -> dict[str, Any]:
        """Draw a later version of an indicator, or repeat the same version."""
        chance = self._chance
        if chance.random() < 0.2:
            return {"make": "stix", "object": dict(obj)}
        obj |= {"modified": "@now", **chance.choice(({"revoked": True}, {"confidence": chance.randrange(101)}))}
        if chance.random() < 0.3:
            obj |= self._marked(obj["created_by_ref"].partition(":")[2].replace("_", " "))
        if chance.random() < 0.1:
            obj["pattern"] = chance.choice(_PATTERNS)
        return {"make": "stix", "object": dict(obj)}

    def _record(self, by: str) -> dict[str, Any]:
        chance = self._chance
        record = chance.choice(("sighting", "outcome", "outcome", "opinion", "flow", "case"))
        columns: dict[str, str] = {"tlp": chance.choice(("clear", "green", "amber", "red"))}
        match record:
            case "flow":
                columns |= {"source": "wallet:0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed", "amount": "1234.50"}
                columns |= {"target": "bank-account:DE89370400440532013000", "currency": "EUR"}
            case "case":
                columns |= {"name": "Ring 7", "members": f"{self._reference(by)} {self._reference(by)}"}
            case "sighting":
                columns |= {"of": self._reference(by), "count": str(chance.randrange(4)), "countries": "TH"}
            case "outcome":
                columns |= {"of": self._reference(by), "outcome": chance.choice(_OUTCOMES), "reason": "own-check"}
            case "opinion":
                columns |= {"of": self._reference(by), "opinion": chance.choice(_OPINIONS)}
        if chance.random() < 0.2:
            columns["description"] = "As our branch saw it."
        if chance.random() < 0.15:
            columns["only_partners"] = chance.choice(("Police", "First Bank"))
        return {"make": "record", "record": record, "columns": columns}

    def _reference(self, by: str) -> str:
        """Draw the subject of a record: a listing of the hub, a private one, the partner's own, or a foreign one."""
        chance = self._chance
        value, draw = chance.choice(self._few), chance.random()
        if draw < 0.65:
            return f"@listing:{value}::{int(chance.random() < 0.1)}"
        if draw < 0.75:
            return f"@listing:{value}:{by.replace(' ', '_')}:0"
        if draw < 0.85 and self._raw:
            return str(chance.choice(self._raw)["id"])
        name = by if chance.random() < 0.7 else chance.choice(NAMES)
        return f"@report:{value}:{name.replace(' ', '_')}"

    def _annotation(self, by: str, what: str) -> dict[str, Any]:
        chance = self._chance
        obj: dict[str, Any] = {
            "type": what,
            "spec_version": "2.1",
            "id": f"{what}--{self._uuid()}",
            "created_by_ref": _identity(by),
            "created": "@now",
            "modified": "@now",
        }
        match what:
            case "note":
                if chance.random() < 0.4:
                    obj |= {"type": "language-content", "id": f"language-content--{self._uuid()}"}
                    obj |= {"object_ref": self._reference(by), "contents": {"de": {"name": "Betrug"}}}
                else:
                    obj |= {"content": "Looked at.", "object_refs": [self._reference(by)]}
            case "opinion":
                obj |= {"opinion": chance.choice(_OPINIONS), "object_refs": [self._reference(by)]}
            case "sighting":
                obj |= {"sighting_of_ref": self._reference(by), "count": chance.randrange(1, 4)}
        obj |= self._marked(by)
        mine = [drawn for name, drawn in self._records if name == by]
        if mine and chance.random() < 0.3:
            obj = chance.choice(mine)
            obj |= {"modified": "@now", **({"revoked": True} if chance.random() < 0.5 else {})}
        else:
            self._records.append((by, obj))
        return {"make": "stix", "object": dict(obj)}

    def _marking(self, by: str) -> dict[str, Any]:
        id_ = f"marking-definition--{self._uuid()}"
        self._markings.setdefault(by, []).append(id_)
        common = {"type": "marking-definition", "spec_version": "2.1", "id": id_, "created": "@now"}
        kinds: tuple[dict[str, Any], ...] = (
            {"definition_type": "statement", "definition": {"statement": "Ours"}, "name": "TLP:GREEN"},
            {"definition_type": "statement", "definition": {"statement": "Ours, too"}},
            {"definition_type": "tlp", "definition": {"tlp": "amber"}},
        )
        obj = {**common, "created_by_ref": _identity(by), **self._chance.choice(kinds)}
        return {"make": "stix", "object": obj}

    def _odd(self, by: str) -> dict[str, Any]:
        """Draw an object that the guard refuses or does not know."""
        common = {"spec_version": "2.1", "created": "@now", "modified": "@now", "created_by_ref": _identity(by)}
        return {
            "make": "stix",
            "object": self._chance.choice(
                (
                    {"type": "indicator", "id": "indicator--1", **common},
                    {"type": "malware", "id": f"malware--{self._uuid()}", "is_family": False, **common},
                    {"type": "identity", "id": _identity(by), "name": "We", **common},
                    {"type": "domain-name", "id": f"domain-name--{self._uuid()}", "value": "x.shop"},
                    {"type": "x-own", "id": f"x-own--{self._uuid()}", **common},
                    {"type": "indicator", "id": f"indicator--{self._uuid()}", "pattern": "nothing", **common},
                )
            ),
        }

    def _narrow(self) -> Step:
        """Let a partner repeat a report with other sharing limits."""
        if not self._said:
            return self._post()
        by, value = self._chance.choice(list(self._said))
        made = self._report(by, value, again=True)
        made["columns"] |= {"tlp": self._chance.choice(("clear", "green", "amber", "amber+strict", "red"))}
        if self._chance.random() < 0.5:
            made["columns"] |= {"not_to_countries": "KH"}
        return {"do": "post", "by": by, "objects": [made]}

    def _take_back(self) -> Step:
        standing = [key for key, said in self._said.items() if not said["gone"]]
        if not standing:
            return self._post()
        by, value = self._chance.choice(standing)
        said = self._said[by, value]
        said["gone"] = self._chance.random() < 0.7
        revoked = {"make": "report", "columns": said["columns"], "seq": said["seq"], "alone": True, "revoked": True}
        again = [self._report(by, value)] if self._chance.random() < 0.2 else []
        return {"do": "post", "by": by, "objects": [revoked, *again]}

    def _retract(self) -> Step:
        value = self._chance.choice(self._few)
        which = self._chance.choice((f"@value:{value}", f"@listing:{value}::0", f"@report:{value}:First_Bank"))
        whose = ["--partner", self._chance.choice(NAMES)] if self._chance.random() < 0.5 else []
        return {"do": "cli", "words": ["retract", which, "--reason", "wrong", *whose, "--json"]}

    def _review(self) -> Step:
        if self._chance.random() < 0.2:
            return {"do": "cli", "words": ["review", "list", "--json"]}
        decision = self._chance.choice(("approve", "reject"))
        return {"do": "review", "decision": decision, "which": self._chance.randrange(3)}

    def _operate(self) -> Step:
        chance = self._chance
        name, alias = chance.choice(NAMES), chance.choice(READABLE)
        value = chance.choice(self._few)
        kept = {key: text for key, text in VALUES[value].items() if key != "kind"}
        words = chance.choice(
            (
                ["partner", "grant", name, "--read", alias],
                ["partner", "revoke", name, "--read", alias],
                ["partner", "set", name, chance.choice(("--trusted", "--not-trusted"))],
                ["partner", "set", name, chance.choice(("--named", "--unnamed"))],
                ["partner", "set", name, "--country", chance.choice(("TH", "KH", "SG"))],
                ["partner", "set", name, "--authority", chance.choice(("bank-account", "domain", ""))],
                ["partner", "set", name, "--kind", chance.choice(("bank", "telecom", "government"))],
                ["partner", "own", name, kept["value"]],
                ["partner", "remove", name],
                ["partner", "restore", name],
                ["partner", "lift-throttle", name],
                ["partner", "focal-point", name, "--function", "prevention", "--contact", "fraud@bank.example"],
                ["policy", "apply"],
                ["policy", "apply"],
            )
        )
        quiet = words[1] in ("lift-throttle", "grant")
        return {"do": "cli", "words": words if quiet else [*words, "--json"]}

    def _rule(self) -> Step:
        return {"do": "rules", "rules": self._chance.choice(_RULES), "apply": self._chance.random() < 0.7}

    def _poll(self) -> Step:
        return {"do": "poll", "by": self._chance.choice(NAMES)}

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))


def _identity(name: str) -> str:
    return f"@identity:{name.replace(' ', '_')}"


def drawn(seed: int, count: int) -> list[Step]:
    """Draw the history of ``seed``, in the form read from a file."""
    steps: list[Step] = json.loads(json.dumps(Historian(seed).steps(count)))
    return steps
