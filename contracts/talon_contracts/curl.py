"""curl: what was sent, as lines for a shell."""

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from talon_contracts.exact_json import Json, Object, encode


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where lines point to, and the keys in them: as they are where they are no secret, else names of variables."""

    bridge: str
    talon_one: str
    write_key: str = "$LOCALTALON_WRITE_KEY"
    api_key: str = "$LOCALTALON_API_KEY"
    management_key: str = "$LOCALTALON_MANAGEMENT_KEY"


def posts(requests: Iterable[tuple[str, Object]], at: Addresses) -> Iterator[str]:
    """Requests that were made in order: those of the tracking API to the bridge, all others to Talon.One.

    What has no path is something to be done by hand.
    """
    for path, body in requests:
        if not path.startswith("/"):
            yield f"# {path}"
        elif path.startswith("/v1/attributes"):
            yield _line("POST", at.talon_one + path, f"ManagementKey-v1 {at.management_key}", body)
        elif path.startswith("/_emulator/"):
            yield _line("POST", at.talon_one + path, "", body)
        else:
            key, url = _quoted(f"{at.write_key}:"), _quoted(at.bridge + path)
            yield f"curl -u {key} -H 'Content-Type: application/json' {url} -d {_quoted(_json(body))}"


def update(path: str, body: Object, at: Addresses, authorization: str | None = None) -> str:
    """An update of a profile; `authorization` replaces the header that the key makes."""
    header = f"ApiKey-v1 {at.api_key}" if authorization is None else authorization
    return _line("PUT", at.talon_one + path, header, body)


def read_back(path: str, at: Addresses) -> str:
    """The profile as Talon.One shows it."""
    return f"curl -H {_quoted(f'Authorization: ApiKey-v1 {at.api_key}')} {_quoted(at.talon_one + path)}"


def _line(method: str, url: str, authorization: str, body: Object) -> str:
    header = f"-H {_quoted(f'Authorization: {authorization}')} " if authorization else ""
    return f"curl -X {method} {header}-H 'Content-Type: application/json' {_quoted(url)} -d {_quoted(_json(body))}"


def _json(value: Json) -> str:
    return encode(value).decode()


def _quoted(text: str) -> str:
    """One word for a shell; a variable in it is filled in by the shell, so that such a word has double quotes."""
    name = next((word for word in text.replace(":", " ").split() if word.startswith("$LOCALTALON_")), None)
    return shlex.quote(text) if name is None else f'"{text}"'
