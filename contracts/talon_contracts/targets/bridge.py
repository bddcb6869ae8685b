"""A bridge under test, fed over Segment's tracking API."""

import base64

from talon_contracts.exact_json import Object, encode
from talon_contracts.targets.channel import CannotJudge, Reply, Target, channel


class Bridge:
    """A bridge in any language: what is required of it is Segment's `/v1/identify` and `/v1/batch`.

    One that answers `GET /_bridge/idle?timeout=SECONDS` (200 once all is settled, 409 when that takes longer) is
    asked; of any other, see `Bench.settle`.
    """

    def __init__(
        self, target: Target, write_key: str, *, settle_seconds: float = 10.0, control_token: str | None = None
    ) -> None:
        self._channel = channel(target, timeout=settle_seconds + 5)
        self.settle_seconds = settle_seconds
        credentials = base64.b64encode(f"{write_key}:".encode()).decode()
        self._headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/json"}
        self._asking = {} if control_token is None else {"Authorization": f"Bearer {control_token}"}
        self._tells: bool | None = None
        self.trusted = False
        """Whether it has been seen that nothing arrives after it said that it was idle."""

    @property
    def url(self) -> str:
        """Where it is."""
        return self._channel.url

    def post(self, path: str, body: Object) -> Reply:
        """Send one call or batch, to `/v1/identify` or `/v1/batch`."""
        return self._channel.request("POST", path, self._headers, encode(body))

    @property
    def tells(self) -> bool:
        """Whether it tells when it is idle; asked once."""
        if self._tells is None:
            reply = self._channel.request("GET", "/_bridge/idle?timeout=0", self._asking)
            if reply.status == 401:
                raise CannotJudge(f"{self.url}/_bridge/idle asks for a control token: {reply.body[:200]!r}")
            self._tells = reply.status in (200, 409) and not reply.body.lstrip().startswith(b"<")
        return self._tells

    def settle(self) -> None:
        """Wait until everything accepted is delivered or given up; raises CannotJudge when that takes too long."""
        reply = self._channel.request("GET", f"/_bridge/idle?timeout={self.settle_seconds:g}", self._asking)
        if reply.status != 200:
            seen = f"{reply.status} {reply.body[:200]!r}"
            raise CannotJudge(f"the bridge does not become idle in {self.settle_seconds:g} s: {seen}")

    def close(self) -> None:
        """Close the connection to the bridge."""
        self._channel.close()
