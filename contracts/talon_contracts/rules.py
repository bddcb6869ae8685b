"""The rules: every numbered statement of the contract, as data."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


class Level(enum.Enum):
    """Who says so; the value is the letter the documentation prints."""

    STATED = "S"
    """Stated by the documentation of the Segment destination, or of Segment itself."""
    DOCUMENTED = "T"
    """Documented by Talon.One."""
    DECIDED = "D"
    """Decided here, where the public material is silent."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One statement that must hold: `id` is what code, tests and reports cite; `levels` is never empty."""

    id: str
    statement: str
    levels: tuple[Level, ...]
    source: str

    @property
    def letters(self) -> str:
        """The levels as they are printed, `S`, `T` or `D`, joined by commas."""
        return ",".join(level.value for level in self.levels)


S, T, D = Level.STATED, Level.DOCUMENTED, Level.DECIDED

_DESTINATION = "Segment's documentation of the Talon.One destination"
_TRACKING = "Segment's documentation of the HTTP tracking API"
_ENGAGE = "Segment's documentation of Engage"
_INTEGRATION = "Talon.One's Integration API reference"
_MANAGEMENT = "Talon.One's Management API reference"
_ERRORS = "Talon.One's page on API errors"
_HERE = "localtalon"

_ALL = (
    Rule(
        "ID-1",
        "The userId of an identify is the integration ID of the customer profile, one to one, verbatim and"
        " case-sensitive. Any string of 1 to 1000 characters survives the trip; `.`, `..` and anything longer are"
        " refused before a request is made.",
        (S, D),
        f"{_DESTINATION} (userId and integrationId); {_INTEGRATION} (1000 characters); {_HERE} (`.` and `..`, which"
        " HTTP software resolves as a path)",
    ),
    Rule(
        "ID-2",
        "An identify without a userId (absent, null or empty) is acknowledged and not sent; the anonymousId never"
        " takes its place.",
        (S,),
        f"{_DESTINATION} (only users who are logged in)",
    ),
    Rule(
        "ID-3",
        "Only identify calls are sent; track, page, screen, group and alias, and messages of any other type, such as"
        " Segment's delete, are acknowledged and not sent, whatever they carry.",
        (S, D),
        f"{_DESTINATION} (supported methods); {_HERE} (types that the tracking API does not know)",
    ),
    Rule(
        "ID-4",
        "The integrations object decides whether an event is sent: the first key present of `Talon.One` and"
        " `Talon_One` wins, else `All`; false means no, every other value of the destination's own key means yes, and"
        " only a boolean under `All` decides.",
        (S,),
        f"{_DESTINATION} (names in the integrations object); Segment's guide on filtering data",
    ),
    Rule(
        "MAP-1",
        "A nested object becomes one attribute per leaf; the keys on the way are joined by `_`, at any depth:"
        " `address.city` becomes `address_city`.",
        (S,),
        f"{_DESTINATION} (nested traits)",
    ),
    Rule(
        "MAP-2",
        "Names are taken as they are, never re-cased, trimmed or repaired: `address.City` becomes `address_City`.",
        (S,),
        f"{_DESTINATION} (spelling and case of attribute names)",
    ),
    Rule(
        "MAP-3",
        "A trait is sent if, and only if, its flattened name is among the destination's Custom Attributes, with"
        " exactly that case.",
        (S,),
        f"{_DESTINATION} (Custom Attributes setting)",
    ),
    Rule(
        "MAP-4",
        "Leaves under the trait that `context.personas.computation_key` names are sent without being in Custom"
        " Attributes, whatever the computation's class; other traits of the same call are not excused.",
        (S, D),
        f"{_DESTINATION} (audiences and computed traits need not be listed); {_HERE} (how they are recognised)",
    ),
    Rule(
        "MAP-5",
        "A list of scalars is one leaf and stays a list; a list that holds an object or a list is withheld and"
        " explained.",
        (D,),
        f"{_HERE}; {_MANAGEMENT} (list types hold scalars)",
    ),
    Rule(
        "MAP-6",
        "A null trait is sent as null, a trait that is absent is never sent as null, an empty object yields nothing,"
        " and an event with nothing to send makes no request.",
        (T, D),
        f"Talon.One's third-party API reference (null deletes); {_HERE}",
    ),
    Rule(
        "MAP-7",
        "Leaves of one event that flatten to the same name with different values are all withheld and explained; with"
        " the same value the name is sent once. Values are the same when their JSON is: true is not 1, 1 is not 1.0."
        " One key twice in one object is no such case: the last value counts, as JSON is commonly read.",
        (D,),
        _HERE,
    ),
    Rule(
        "MAP-8",
        "A number arrives as the same number, with no digit lost: 2^53+1, 10^30 and 0.1 are not rounded on the way. Its"
        " notation may change: -0 is 0, and 1e5 may be written 1E+5. NaN, Infinity and literals beyond the double"
        " range are refused at the door.",
        (D,),
        _HERE,
    ),
    Rule(
        "AUD-1",
        "The key of an audience is its name with ASCII letters lower-cased, each run of characters outside"
        " `[a-z0-9]` replaced by one `_`, and `_` trimmed at both ends; letters and digits are never split:"
        " `Order Completed Last 30days` becomes `order_completed_last_30days`.",
        (S, D),
        f"{_DESTINATION} (snake-cased audience name, with that example); {_HERE} (everything that is not a letter, a"
        " digit or a space)",
    ),
    Rule(
        "AUD-2",
        "An explicit key overrides the derived one, renaming an audience never changes its key, and a key that"
        " arrives in an event is never re-cased or split.",
        (S,),
        f"{_ENGAGE} (a key is fixed when the audience is created)",
    ),
    Rule(
        "AUD-3",
        "A key that is empty, starts with a digit, or equals the key of another audience is an error when the audience"
        " is defined, and the error names the audience.",
        (T, D),
        f"{_MANAGEMENT} (no attribute can have such a name); {_HERE}",
    ),
    Rule(
        "AUD-4",
        "Entering an audience sends true, leaving it sends false; the audience's attribute is a boolean in Talon.One,"
        ' which refuses the string "true".',
        (S, T),
        f"{_DESTINATION} (audience membership); {_ERRORS} (type mismatch)",
    ),
    Rule(
        "AUD-5",
        "The first sync of an audience sends every member; each later sync sends exactly the users added or removed"
        " since the last sync that finished.",
        (S,),
        f"{_DESTINATION} (sync of audiences)",
    ),
    Rule(
        "AUD-6",
        "Computed traits travel like audiences, each with its own type; a user who leaves a trait that nullifies gets"
        " null.",
        (S,),
        f"{_DESTINATION} (computed traits); {_ENGAGE} (SQL traits)",
    ),
    Rule(
        "ATT-1",
        "An attribute must be defined before a value is sent, and its name is case-sensitive; one unknown name refuses"
        " the whole request with 400 and changes nothing.",
        (S, T),
        f"{_DESTINATION} (create the attributes first); {_ERRORS} (unknown attribute)",
    ),
    Rule(
        "ATT-2",
        'A value must have the type of its attribute, without coercion: "true" is not a boolean, "5" is not a number,'
        " 5 is not a string; one wrong value refuses the whole request with 400 and changes nothing.",
        (T,),
        f"{_ERRORS} (invalid type)",
    ),
    Rule(
        "ATT-3",
        "The name of a definition matches `^[A-Za-z]\\w*$` in ASCII and its title"
        " `^[A-Za-z][A-Za-z0-9_.!~*'() -]*$`; (entity, name) and (entity, title) are unique; name and type never"
        " change.",
        (T,),
        f"{_MANAGEMENT} (attributes)",
    ),
    Rule(
        "ATT-4",
        "An update of a profile is a patch: values that are sent replace, all others stay, null deletes.",
        (T,),
        f"{_INTEGRATION} (update customer profile); Talon.One's third-party API reference (null)",
    ),
    Rule(
        "KEY-1",
        "A missing, wrong, expired or deleted API key is answered with 401 and changes nothing; a key opens the"
        " environment of its own Application only.",
        (T,),
        f"{_INTEGRATION} (authentication); Talon.One's page on API keys",
    ),
    Rule(
        "LIM-1",
        "The Segment endpoints take 60 requests a second from one client, then answer 429; a fourth request in flight"
        " for one profile is answered with 409.",
        (T,),
        "Talon.One's third-party API reference (rate limit); its integration tutorial (parallel requests)",
    ),
    Rule(
        "DEL-1",
        "A 200 from the bridge means that the event is stored; what is stored is delivered at least once, or lies in"
        " the dead letters with its history.",
        (D,),
        _HERE,
    ),
    Rule(
        "DEL-2",
        "For one integration ID, first deliveries happen in the order in which the events were accepted, across"
        " crashes and restarts.",
        (D,),
        _HERE,
    ),
    Rule(
        "DEL-3",
        "One messageId is delivered once within 24 hours, however often it is sent.",
        (S,),
        "Segment's guide on duplicate data",
    ),
    Rule(
        "SRC-1",
        "Traits that affect promotions are expected from server-side sources; events from client-side libraries are"
        " accepted, flagged or refused as the setting says (accept, warn, reject), and flagged by default.",
        (S,),
        f"{_DESTINATION} (server-side sources)",
    ),
    Rule(
        "VIEW-1",
        "What was transferred can be seen in the Campaign Manager: Application, Customers, the exact and"
        " case-sensitive Integration ID, Attributes.",
        (S,),
        f"{_DESTINATION} (verification)",
    ),
)

RULES: Final[Mapping[str, Rule]] = MappingProxyType({rule.id: rule for rule in _ALL})
"""Every rule by its id, in the order in which they are printed."""
