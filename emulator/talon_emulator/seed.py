"""The deployment document: Applications, keys and attributes as a config file or a test writes them."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Annotated, Final, Literal, TypeVar

import msgspec

from talon_emulator import assumptions, attributes, deployments, errors
from talon_emulator.attributes import Attribute, AttributeType, Entity, NewAttribute
from talon_emulator.deployments import ApiKey, Application, Endpoint, ManagementKey, Platform, State, User
from talon_emulator.errors import Refusal
from talon_emulator.nearest import nearest
from talon_emulator.profiles import Environment

T = TypeVar("T")

_ANOTHER: Final = "start with another data directory, or give it a new name"

Text = Annotated[str, msgspec.Meta(min_length=1)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
# A key travels in a header: printable ASCII without spaces.
Key = Annotated[str, msgspec.Meta(pattern=r"^[!-~]+\Z")]


class KeySeed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An Integration API key; `expires` is a time with an offset, None for never."""

    title: Text
    key: Key
    platform: Platform = "none"
    expires: Moment | None = None

    def __repr__(self) -> str:
        """Show the key by its title only."""
        return f"KeySeed(title={self.title!r}, key=..., platform={self.platform!r}, expires={self.expires!r})"


class EndpointSeed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An operation of the Management API; `path` as Talon.One documents it, `/v1/attributes/{attributeId}`."""

    method: Literal["GET", "POST", "PUT", "DELETE", "PATCH"]
    path: Annotated[str, msgspec.Meta(pattern=r"^/v[12]/[!-~]+\Z")]


class ManagementKeySeed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A Management API key; `expires` is a time with an offset, None for never.

    It opens all `endpoints` where they are left out, and every Application without `applications`.
    """

    name: Text
    key: Key
    expires: Moment | None = None
    endpoints: tuple[EndpointSeed, ...] | None = None
    applications: tuple[int, ...] = ()

    def __repr__(self) -> str:
        """Show the key by its name only."""
        return f"ManagementKeySeed(name={self.name!r}, key=..., expires={self.expires!r})"


class UserSeed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody who may sign in to the Management API."""

    email: Annotated[str, msgspec.Meta(pattern=r"^[^@\s]+@[^@\s]+\Z")]
    password: Text

    def __repr__(self) -> str:
        """Show the user by the e-mail address only."""
        return f"UserSeed(email={self.email!r}, password=...)"


class ApplicationSeed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An Application with its keys."""

    id: Annotated[int, msgspec.Meta(ge=1, le=2**53)]
    name: Text
    environment: Environment = "sandbox"
    description: str = ""
    timezone: Text = "UTC"
    currency: Text = "EUR"
    api_keys: tuple[KeySeed, ...] = ()


class AttributeSeed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An attribute definition; without a `title` its name is its title, an empty `allowed_list` changes none."""

    name: Text
    type: AttributeType
    entity: Entity = "CustomerProfile"
    title: str | None = None
    description: str = ""
    suggestions: tuple[str, ...] = ()
    restricted_by_suggestions: bool = False
    has_allowed_list: bool = False
    editable: bool = True
    event_type: str | None = None
    subscribed_applications_ids: tuple[int, ...] = ()
    builtin: bool = False
    allowed_list: tuple[str, ...] = ()


class DeploymentSeed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The document."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}\Z")] = "demo"
    applications: tuple[ApplicationSeed, ...] = ()
    management_keys: tuple[ManagementKeySeed, ...] = ()
    attributes: tuple[AttributeSeed, ...] = ()
    assumptions: dict[str, str] = {}
    users: tuple[UserSeed, ...] = ()


class SeedError(msgspec.Struct, frozen=True):
    """What is wrong with a document: `place` is a JSON pointer into it, `hint` may be empty."""

    place: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        """Return one line for people."""
        return f"{self.place or '/'}: {self.message}" + (f" ({self.hint})" if self.hint else "")


DEMO: Final = DeploymentSeed(
    name="demo",
    applications=(
        ApplicationSeed(
            id=1,
            name="Demo store",
            environment="sandbox",
            api_keys=(
                KeySeed(title="Demo integration key", key="a1" * 32),
                KeySeed(title="Demo Segment key", key="c3" * 32, platform="segment"),
            ),
        ),
    ),
    management_keys=(ManagementKeySeed(name="Demo management key", key="b2" * 32),),
    users=(UserSeed("demo@example.com", "demo"),),
    attributes=(
        AttributeSeed("email", "string"),
        AttributeSeed("name", "string"),
        AttributeSeed("age", "number"),
        AttributeSeed("vip", "boolean"),
        AttributeSeed("signed_up_at", "time"),
        AttributeSeed("favourite_tags", "(list string)"),
        AttributeSeed("address_city", "string"),
        AttributeSeed("address_country", "string"),
        AttributeSeed("order_completed_last_30days", "boolean"),
        AttributeSeed("lifetime_value", "number"),
    ),
)


def apply(state: State, seed: DeploymentSeed, now: str) -> State | SeedError:
    """Return the state with everything of the document in it. Applying a document twice changes nothing more.

    What exists under the same identity (Application id, key, attribute entity and name) is updated, the rest is added,
    nothing is removed.
    """
    wrong = _first_duplicate(seed) or _wrong_assumption(seed)
    if wrong is not None:
        return wrong
    definitions = state.attributes
    for index, attribute in enumerate(seed.attributes):
        merged = _merge_attribute(definitions, attribute, now)
        if isinstance(merged, Refusal):
            problem = merged.errors[0]
            member = problem.source.get("pointer", "")
            hint = _ANOTHER if problem == errors.immutable("type") else ""
            return SeedError(f"/attributes/{index}{member}", f"attribute {attribute.name!r}: {problem.details}", hint)
        definitions = merged
    keys = [_api_key(key, application.id) for application in seed.applications for key in application.api_keys]
    managers = [_management_key(key) for key in seed.management_keys]
    known = {application.id: application for application in state.applications}
    return msgspec.structs.replace(
        state,
        applications=_merge(
            state.applications, (_application(a, known.get(a.id), now) for a in seed.applications), lambda a: a.id
        ),
        api_keys=_merge(state.api_keys, keys, lambda key: key.fingerprint),
        management_keys=_merge(state.management_keys, managers, lambda key: key.fingerprint),
        attributes=definitions,
        assumptions={**state.assumptions, **seed.assumptions},
        users=_merge_users(state.users, seed.users),
    )


def _merge(old: Iterable[T], new: Iterable[T], identity: Callable[[T], object]) -> tuple[T, ...]:
    merged = {identity(item): item for item in old}
    merged.update((identity(item), item) for item in new)
    return tuple(merged.values())


def _api_key(seed: KeySeed, application: int) -> ApiKey:
    return ApiKey(deployments.fingerprint(seed.key.encode()), application, seed.title, seed.platform, seed.expires)


def _management_key(seed: ManagementKeySeed) -> ManagementKey:
    given = seed.endpoints
    endpoints = None if given is None else tuple(Endpoint(endpoint.method, endpoint.path) for endpoint in given)
    return ManagementKey(
        deployments.fingerprint(seed.key.encode()), seed.name, seed.expires, endpoints, seed.applications
    )


def _merge_users(old: tuple[User, ...], seeds: tuple[UserSeed, ...]) -> tuple[User, ...]:
    users = {user.email.casefold(): user for user in old}
    for seed in seeds:
        known = users.get(seed.email.casefold())
        number = known.id if known else max((user.id for user in users.values()), default=0) + 1
        users[seed.email.casefold()] = User(number, seed.email, deployments.hashed(seed.email, seed.password))
    return tuple(users.values())


def _application(seed: ApplicationSeed, old: Application | None, now: str) -> Application:
    created, modified = (old.created, old.modified) if old else (now, now)
    fresh = Application(
        seed.id, seed.name, seed.environment, seed.description, seed.timezone, seed.currency, created, modified
    )
    return fresh if old in (None, fresh) else msgspec.structs.replace(fresh, modified=now)


def _merge_attribute(
    definitions: tuple[Attribute, ...], seed: AttributeSeed, now: str
) -> tuple[Attribute, ...] | Refusal:
    new = NewAttribute(
        entity=seed.entity,
        name=seed.name,
        title=seed.name if seed.title is None else seed.title,
        type=seed.type,
        description=seed.description,
        suggestions=seed.suggestions,
        editable=seed.editable,
        event_type=seed.event_type,
        has_allowed_list=seed.has_allowed_list or bool(seed.allowed_list),
        restricted_by_suggestions=seed.restricted_by_suggestions,
        subscribed_applications_ids=seed.subscribed_applications_ids,
    )
    old = next((a for a in definitions if (a.entity, a.name) == (seed.entity, seed.name)), None)
    if old is None:
        created = attributes.create(definitions, new, now, seed.builtin)
        if isinstance(created, Refusal):
            return created
        return (*definitions, msgspec.structs.replace(created, allowed_list=seed.allowed_list))
    updated = attributes.update(definitions, old, new)
    if isinstance(updated, Refusal):
        return updated
    allowed = seed.allowed_list or old.allowed_list
    updated = msgspec.structs.replace(updated, builtin=seed.builtin, allowed_list=allowed)
    return tuple(updated if attribute is old else attribute for attribute in definitions)


def _wrong_assumption(seed: DeploymentSeed) -> SeedError | None:
    for name, choice in seed.assumptions.items():
        place = errors.pointer("assumptions", name)["pointer"]
        assumption = assumptions.BY_ID.get(name)
        if assumption is None:
            return SeedError(place, f"there is no assumption {name!r}", nearest(name, tuple(assumptions.BY_ID)))
        if choice not in assumption.choices:
            known = ", ".join(assumption.choices)
            return SeedError(place, f"{choice!r} is no answer to {name!r}", f"known are: {known}")
    return None


def _first_duplicate(seed: DeploymentSeed) -> SeedError | None:
    places: list[tuple[str, object, str]] = []
    for index, application in enumerate(seed.applications):
        places.append((f"/applications/{index}/id", ("Application", application.id), f"Application {application.id}"))
        for number, key in enumerate(application.api_keys):
            places.append((f"/applications/{index}/api_keys/{number}/key", ("key", key.key), "this key"))
    for index, manager in enumerate(seed.management_keys):
        places.append((f"/management_keys/{index}/key", ("key", manager.key), "this key"))
    for index, user in enumerate(seed.users):
        places.append((f"/users/{index}/email", ("user", user.email.casefold()), f"user {user.email!r}"))
    for index, attribute in enumerate(seed.attributes):
        definition = ("attribute", attribute.entity, attribute.name)
        places.append((f"/attributes/{index}/name", definition, f"attribute {attribute.name!r}"))
    seen: set[object] = set()
    for place, identity, what in places:
        if identity in seen:
            return SeedError(place, f"{what} is in the document twice")
        seen.add(identity)
    return None
