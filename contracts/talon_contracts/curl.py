"""curl: what was sent, as lines for a shell."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from shlex import quote

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

    `PUT /_bridge/...`, and any other method, goes to the bridge. What has no path is something to be done by hand.
    """
    for path, body in requests:
        method, _, control = path.partition(" ")
        if control.startswith("/_bridge/"):
            yield _of_engage(method, at.bridge + control, body)
        elif not path.startswith("/"):
            yield f"# {path}"
        elif path.startswith("/v1/attributes"):
            yield _line("POST", at.talon_one + path, f"ManagementKey-v1 {at.management_key}", body)
        elif path.startswith("/_emulator/"):
            yield _line("POST", at.talon_one + path, "", body)
        else:
            key, url = _filled(f"{at.write_key}:"), quote(at.bridge + path)
            yield f"curl -u {key} -H 'Content-Type: application/json' {url} -d {quote(_json(body))}"


def update(path: str, body: Object, at: Addresses, authorization: str | None = None) -> str:
    """An update of a profile; `authorization` replaces the header that the key makes."""
    header = f"ApiKey-v1 {at.api_key}" if authorization is None else authorization
    return _line("PUT", at.talon_one + path, header, body)


def read_back(path: str, at: Addresses) -> str:
    """The profile as Talon.One shows it."""
    return f"curl -H {_filled(f'Authorization: ApiKey-v1 {at.api_key}')} {quote(at.talon_one + path)}"


def _line(method: str, url: str, authorization: str, body: Object) -> str:
    header = f"-H {_filled(f'Authorization: {authorization}')} " if authorization else ""
    return f"curl -X {method} {header}-H 'Content-Type: application/json' {quote(url)} -d {quote(_json(body))}"


def _of_engage(method: str, url: str, body: Object) -> str:
    """A request to Engage: a document, or under its content type the text of a source."""
    ((kind, text),) = body.items() if "/sync" in url else (("application/json", _json(body)),)
    return f"curl -X {method} -H 'Content-Type: {kind}' {quote(url)} --data-binary {quote(str(text))}"


def _json(value: Json) -> str:
    return encode(value).decode()


def _filled(text: str) -> str:
    """One word for a shell, which fills in the variable that stands in it for a key."""
    return f'"{text}"' if "$LOCALTALON_" in text else quote(text)
