"""What a started sandbox says of itself: URLs, keys, and one line to paste."""

import json
from collections.abc import Iterator
from typing import Any

from localtalon.sandbox import Pair

_DEMO_TRAITS = {"email": "ada@example.com", "address": {"city": "Berlin"}}
_EXAMPLES: dict[str, Any] = {
    "string": "text",
    "number": 1,
    "boolean": True,
    "time": "2026-01-21T15:04:05Z",
    "(list string)": ["a", "b"],
    "(list number)": [1, 2],
    "(list time)": ["2026-01-21T15:04:05Z"],
}


def for_programs(pair: Pair) -> str:
    """One line of JSON with the URLs and keys."""
    return json.dumps(
        {
            "emulator": pair.emulator.url,
            "bridge": pair.bridge.url,
            "writeKey": pair.bridge_settings.write_keys[0],
            "apiKey": pair.bridge_settings.destination.api_key,
            "segmentKey": _key_of(pair, "segment"),
            "managementKey": _management_key(pair),
            "deployment": pair.deployment.name,
        }
    )


def for_people(pair: Pair) -> Iterator[str]:
    """The same as text, with a curl line that makes a profile and the place to look at it."""
    kept = pair.emulator_settings.data or "memory"
    # Of a URL its kind alone, for the password's sake.
    yield f"localtalon is up: deployment {pair.deployment.name}, kept in {kept.partition('://')[0]}"
    yield ""
    yield f"  Talon.One        {pair.emulator.url}   Integration and Management API, Campaign Manager"
    yield f"  Segment bridge   {pair.bridge.url}   point a Segment library here"
    yield f"  write key        {pair.bridge_settings.write_keys[0]}"
    for application in pair.deployment.applications:
        for key in application.api_keys:
            kind = "API key" if key.platform == "none" else f"{key.platform} key"
            where = f"Application {application.id} {application.name!r}, {application.environment}"
            yield f"  {kind:<16} {key.key}   {where}"
    if management := _management_key(pair):
        yield f"  management key   {management}"
    yield ""
    yield "Send an identify, then read the profile:"
    yield ""
    yield from curl_lines(pair)
    yield ""
    yield f"What became of every trait: {pair.bridge.url}/_bridge/events"


def curl_lines(pair: Pair) -> Iterator[str]:
    """Two lines to paste: one makes a profile, one reads it back."""
    key = pair.bridge_settings.write_keys[0]
    sample = json.dumps({"userId": "user-1", "traits": sample_traits(pair)}, separators=(",", ":"))
    yield f"  curl -u {key}: {pair.bridge.url}/v1/identify -d '{sample}'"
    yield (
        f"  curl -H 'Authorization: ApiKey-v1 {pair.bridge_settings.destination.api_key}' "
        f"'{pair.emulator.url}/v1/customer_profiles/user-1/inventory?profile=true'"
    )


def sample_traits(pair: Pair) -> dict[str, Any]:
    """Traits that will arrive: the demo's where its attributes are listed, else examples of what is listed."""
    listed = pair.bridge_settings.destination.custom_attributes
    if {"email", "address_city"} <= set(listed):
        return _DEMO_TRAITS
    types = {each.name: each.type for each in pair.deployment.attributes if each.entity == "CustomerProfile"}
    known = [name for name in listed if types.get(name) in _EXAMPLES]
    return {name: _EXAMPLES[types[name]] for name in known[:2]}


def _key_of(pair: Pair, platform: str) -> str | None:
    keys = (key for application in pair.deployment.applications for key in application.api_keys)
    return next((key.key for key in keys if key.platform == platform), None)


def _management_key(pair: Pair) -> str | None:
    keys = pair.deployment.management_keys
    return keys[0].key if keys else None
