"""Segment's deprecated profile updates: attributes and audiences that are not there are made on the way."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec

from talon_emulator import body, errors
from talon_emulator.attributes import Attribute
from talon_emulator.audiences import Audience
from talon_emulator.calls import Call, json_answer
from talon_emulator.clock import timestamp
from talon_emulator.deployments import Deployment
from talon_emulator.errors import Refusal
from talon_emulator.exchange import Answer
from talon_emulator.integration import AudiencesChanges, Moves, view
from talon_emulator.management.attributes import attribute_view
from talon_emulator.profiles import MAX_ID_LENGTH, Profile
from talon_emulator.segment_attributes import Infos, Wanted, ensure
from talon_emulator.thirdparty_audiences import apply, by_external_id, is_sandbox, spelled, with_audiences
from talon_emulator.thirdparty_profiles import moves_of, updated

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
Status = Literal["unmodified", "updated", "new"]
_OTHER = re.compile(r"[^A-Za-z0-9]")


class Update(msgspec.Struct, frozen=True, rename="camel"):
    """The body of an update that makes attributes; `attributes_info` says with which types."""

    attributes: dict[str, Any] | None = None
    audiences_changes: AudiencesChanges | None = None
    run_rule_engine: bool | None = None
    attributes_info: Infos | None = None


class NamedAudience(msgspec.Struct, frozen=True, rename="camel"):
    """An audience by its name, and by the platform's id of it."""

    name: Text
    integration_id: Text | None = None


class NamedChanges(msgspec.Struct, frozen=True):
    """The audiences that a customer joins and leaves."""

    adds: tuple[NamedAudience, ...] | None = None
    deletes: tuple[NamedAudience, ...] | None = None


class UpdateV2(msgspec.Struct, frozen=True, rename="camel"):
    """The body of an update that makes attributes and audiences."""

    attributes: dict[str, Any] | None = None
    audiences_changes: NamedChanges | None = None
    run_rule_engine: bool | None = None
    attributes_info: Infos | None = None


class _Done(msgspec.Struct, frozen=True):
    audience: Audience
    status: Status


_UPDATE = body.decoder(Update)
_UPDATE_V2 = body.decoder(UpdateV2)


async def update_customer_profile(call: Call, platform: str) -> Answer | Refusal:
    """PUT /segment/customer_profile/{customerProfileId}: makes attributes; audiences have to be there (documented)."""
    update = body.decode(call.request.body, _UPDATE)
    if isinstance(update, Refusal):
        return update
    runs = update.run_rule_engine or False
    moves = moves_of(call, update.audiences_changes, runs)
    if isinstance(moves, Refusal):
        return moves
    made = await _attributes(call, update)
    if isinstance(made, Refusal):
        return made
    profile = await _profile(call, update, moves, runs)
    return profile if isinstance(profile, Refusal) else json_answer(_shown(call, profile, made))


async def update_customer_profile_v2(call: Call, platform: str) -> Answer | Refusal:
    """PUT /segment/customer_profile_v2/{customerProfileId}: makes attributes and audiences (documented).

    The audiences are made, or given their new names, also when the Rule Engine does not run (assumed); who is in them
    does not change then (documented).
    """
    update = body.decode(call.request.body, _UPDATE_V2)
    if isinstance(update, Refusal):
        return update
    runs, named = update.run_rule_engine or False, update.audiences_changes or NamedChanges()
    adds, deletes = named.adds or (), named.deletes or ()
    made = await _attributes(call, update)
    if isinstance(made, Refusal):
        return made
    done = await _audiences(call, platform, (*adds, *deletes))
    if isinstance(done, Refusal):
        return done
    numbers = tuple(each.audience.id for each in done)
    moves: Moves = (numbers[: len(adds)], numbers[len(adds) :], call.deployment.assumed["join-and-leave"] == "join")
    profile = await _profile(call, update, moves if runs else None, runs)
    if isinstance(profile, Refusal):
        return profile
    audiences = {each.audience.id: _shown_audience(each) for each in reversed(done)}
    return json_answer({**_shown(call, profile, made), "audiences": list(reversed(audiences.values()))})


async def _attributes(call: Call, update: Update | UpdateV2) -> tuple[Attribute, ...] | Refusal:
    if len(call.path["integrationId"]) > MAX_ID_LENGTH:
        return errors.integration_id_too_long(MAX_ID_LENGTH)
    given = ((("attributes",), update.attributes or {}),)
    return await ensure(call, Wanted("CustomerProfile", given, update.attributes_info))


async def _profile(call: Call, update: Update | UpdateV2, moves: Moves | None, runs: bool) -> Profile | Refusal:
    changes = call.deployment.profile_definitions.defined(update.attributes or {})
    return await updated(call, changes, moves, runs)


async def _audiences(call: Call, platform: str, wanted: Sequence[NamedAudience]) -> list[_Done] | Refusal:
    """Find each audience by the platform's id, give it the name it has there now, or make it."""
    done: list[_Done] = []
    created, sandbox = timestamp(call.now), is_sandbox(call)

    def change(stored: Deployment) -> Deployment | Refusal:
        done.clear()
        known = by_external_id(call, platform, stored.state)
        kept = {audience.id: audience for audience in stored.state.audiences}
        last = stored.state.last_audience
        for one in wanted:
            # What a platform has of its own accord is found as it is; a new id is mended (documented).
            external = one.integration_id or _mended(one.name)
            found = known.get(spelled(call, external)) or known.get(spelled(call, _mended(external)))
            status: Status = "new" if found is None else "unmodified" if found.name == one.name else "updated"
            if found is None:
                last += 1
                found = Audience(
                    last,
                    sandbox,
                    created,
                    one.name,
                    integration=platform,
                    integration_id=_mended(external),
                    created_in_3rd_party=True,
                )
            found = msgspec.structs.replace(found, name=one.name)
            known[spelled(call, str(found.integration_id))] = kept[found.id] = found
            done.append(_Done(found, status))
        audiences = tuple(kept.values())
        return stored if audiences == stored.state.audiences else with_audiences(stored, audiences, last)

    outcome = await apply(call, change)
    return outcome if isinstance(outcome, Refusal) else done


def _mended(external: str) -> str:
    """Return an id with `_` for all but letters and digits (documented); without one the name is the id (assumed)."""
    return _OTHER.sub("_", external)


def _shown(call: Call, profile: Profile, made: tuple[Attribute, ...]) -> dict[str, Any]:
    account = call.deployment.id
    created = [attribute_view(attribute, account) for attribute in made]
    return {"customerProfile": view(profile, call.deployment), "createdAttributes": created}


def _shown_audience(done: _Done) -> dict[str, Any]:
    audience = done.audience
    return {
        "id": audience.id,
        "created": audience.created,
        "name": audience.name,
        "integration": audience.integration,
        "integrationId": audience.integration_id,
        "status": done.status,
    }
