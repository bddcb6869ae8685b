"""What the forwarder is at, for those who look on."""

import msgspec


class Standing(msgspec.Struct, frozen=True):
    """What the forwarder is at: requests in flight, profiles in memory, requests a second (0: no limit), leases."""

    in_flight: int
    ready: int
    asleep: int
    rate: float
    paused_for: float
    paused_because: str
    shards: int
    workers: int
