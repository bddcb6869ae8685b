"""The customer profiles of the PostgreSQL store, with their memberships in audiences.

A profile that is there is changed under the lock of its row. Whoever gives numbers, or writes many rows, takes the
lock of the deployment's counters, before those of rows, so that no two wait for each other.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, Final

from talon_emulator.errors import Refusal
from talon_emulator.profiles import Environment, Profile
from talon_emulator.store import bulk
from talon_emulator.store.postgres_database import Again, PostgresDatabase
from talon_emulator.store.protocol import BulkChange, DeploymentGone, Matching, ProfileChange

_ENVIRONMENTS: Final[dict[Environment, int]] = {"sandbox": 0, "live": 1}
_NAMES: Final[dict[int, Environment]] = {number: name for name, number in _ENVIRONMENTS.items()}
_LARGEST: Final = 2**63 - 1


class PostgresProfiles(PostgresDatabase):
    """The profiles and memberships of every deployment."""

    async def find_profile(self, deployment: int, environment: Environment, integration_id: str) -> Profile | None:
        """Return one profile; the integration ID is compared exactly."""
        place = (deployment, _ENVIRONMENTS[environment], integration_id.encode())
        rows = await self._run("find_profile", *place)
        return _profile(rows[0]) if rows else None

    async def update_profile(
        self, deployment: int, environment: Environment, integration_id: str, change: ProfileChange
    ) -> Profile | Refusal:
        """Change or create one profile."""
        while True:
            try:
                return await self._update_profile(deployment, environment, integration_id, change)
            except Again:
                continue

    async def _update_profile(
        self, deployment: int, environment: Environment, integration_id: str, change: ProfileChange
    ) -> Profile | Refusal:
        place = (deployment, _ENVIRONMENTS[environment], integration_id.encode())
        async with self._transaction() as on:
            rows = await self._run("lock_profile", *place, on=on)
            stored = _profile(rows[0]) if rows else None
            changed = change(stored)
            if isinstance(changed, Refusal) or changed is stored:
                return changed
            if stored is not None:
                await self._run("update_profile", *_changed_row(deployment, changed), on=on)
                return changed
            number = await self._next("next_profile", deployment, on)
            changed = bulk.numbered(changed, number, environment, integration_id)
            if not await self._run("insert_profile", *_row(deployment, changed), on=on):
                raise Again
            return changed

    async def update_profiles(
        self, deployment: int, environment: Environment, changes: Sequence[tuple[str, BulkChange]]
    ) -> tuple[Profile | None, ...] | Refusal:
        """Change or create many profiles, all or none; a profile may be there several times."""
        keys = [hashlib.sha256(key.encode()).digest() for key in dict.fromkeys(key for key, _ in changes)]
        async with self._transaction() as on:
            number, _ = await self._lock_counters(deployment, on)
            rows = await self._run("lock_profiles", deployment, _ENVIRONMENTS[environment], keys, on=on)
            stored = {profile.integration_id: profile for profile in map(_profile, rows)}
            outcome = bulk.apply(stored, changes, environment, number)
            if isinstance(outcome, Refusal):
                return outcome
            await self._insert_profiles(deployment, [new for old, new in outcome.written if old is None], on)
            changed = [_changed_row(deployment, new) for old, new in outcome.written if old is not None]
            await self._run_each("update_profile", changed, on)
            if outcome.last != number:
                await self._run("update_last_profile", deployment, outcome.last, on=on)
            return outcome.outcomes

    async def find_profile_by_number(self, deployment: int, number: int) -> Profile | None:
        """Return the profile of this number, of either environment."""
        rows = await self._run("find_profile_by_number", deployment, min(number, _LARGEST))
        return _profile(rows[0]) if rows else None

    async def list_profiles(
        self,
        deployment: int,
        environment: Environment | None,
        limit: int,
        skip: int,
        newest_first: bool = False,
        matching: Matching | None = None,
    ) -> tuple[Profile, ...]:
        """Return the profiles that are not hidden in the order of their creation, or the other way round."""
        statement = "list_newest_profiles" if newest_first else "list_profiles"
        if matching is None:
            rows = await self._run(statement, deployment, _chosen(environment), limit, skip)
            return tuple(map(_profile, rows))
        found: list[Profile] = []
        async for row in self._iterate(statement, deployment, _chosen(environment), None, 0):
            if len(found) >= skip + limit:
                break
            profile = _profile(row)
            if matching(profile):
                found.append(profile)
        return tuple(found[skip:])

    async def count_profiles(
        self, deployment: int, environment: Environment | None, matching: Matching | None = None
    ) -> int:
        """Return how many profiles there are that are not hidden, and match."""
        if matching is None:
            [(number,)] = await self._run("count_profiles", deployment, _chosen(environment))
            return int(number)
        rows = self._iterate("list_profiles", deployment, _chosen(environment), None, 0)
        return sum([1 async for row in rows if matching(_profile(row))])

    async def list_members(
        self, deployment: int, audience: int, limit: int, skip: int, containing: str = ""
    ) -> tuple[Profile, ...]:
        """Return the members of an audience, hidden ones too, in the order of their creation."""
        rows = await self._run("list_members", deployment, audience, containing.encode(), limit, skip)
        return tuple(map(_profile, rows))

    async def clear_audience(self, deployment: int, audience: int) -> None:
        """End every membership in an audience."""
        async with self._transaction() as on:
            await self._lock_counters(deployment, on)
            await self._run("clear_audience", deployment, audience, on=on)

    async def _all_profiles(self, deployment: int, on: Any) -> tuple[Profile, ...]:
        return tuple(map(_profile, await self._run("all_profiles", deployment, on=on)))

    async def _insert_profiles(self, deployment: int, profiles: Sequence[Profile], on: Any) -> None:
        await self._run_each("insert_profile", [_row(deployment, profile) for profile in profiles], on)

    async def _next(self, statement: str, deployment: int, on: Any) -> int:
        for (number,) in await self._run(statement, deployment, on=on):
            return int(number)
        raise DeploymentGone

    async def _lock_counters(self, deployment: int, on: Any) -> tuple[int, int]:
        for profile, record in await self._run("lock_counters", deployment, on=on):
            return profile, record
        raise DeploymentGone


def _profile(row: Any) -> Profile:
    number, place, key, created, last_activity, attributes, audiences, hidden, closed, sales = row
    memberships = tuple(sorted(audiences))
    return Profile(
        number, key.decode(), created, last_activity, attributes, memberships, hidden, _NAMES[place], closed, sales
    )


def _row(deployment: int, p: Profile) -> tuple[Any, ...]:
    place, key = _ENVIRONMENTS[p.environment], p.integration_id.encode()
    return deployment, p.id, place, key, p.created, p.last_activity, *_rest(p)


def _changed_row(deployment: int, p: Profile) -> tuple[Any, ...]:
    return deployment, p.id, p.last_activity, *_rest(p)


def _rest(p: Profile) -> tuple[Any, ...]:
    return p.attributes, p.audiences, p.hidden, p.closed_sessions, p.total_sales


def _chosen(environment: Environment | None) -> list[int]:
    return list(_NAMES) if environment is None else [_ENVIRONMENTS[environment]]
