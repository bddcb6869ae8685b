"""What a check is run against: a bridge and a Talon.One, each a URL or an ASGI app of this process."""

from talon_contracts.targets.bench import Bench
from talon_contracts.targets.bridge import Bridge
from talon_contracts.targets.channel import CannotJudge, Channel, Connection, Reply, Target, channel, together
from talon_contracts.targets.engage import Engage
from talon_contracts.targets.in_process import InProcess
from talon_contracts.targets.levers import Levers, Side
from talon_contracts.targets.management import Management
from talon_contracts.targets.talon_one import JOURNAL_CUTS_AT, Exchange, TalonOne, encoded
from talon_contracts.targets.upload import Upload

__all__ = [
    "JOURNAL_CUTS_AT",
    "Bench",
    "Bridge",
    "CannotJudge",
    "Channel",
    "Connection",
    "Engage",
    "Exchange",
    "InProcess",
    "Levers",
    "Management",
    "Reply",
    "Side",
    "TalonOne",
    "Target",
    "Upload",
    "channel",
    "encoded",
    "together",
]
