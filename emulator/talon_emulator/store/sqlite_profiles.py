"""The customer profiles of the SQLite store, with their memberships in audiences."""

import sys
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, Final

from talon_emulator.errors import Refusal
from talon_emulator.profiles import Environment, Profile
from talon_emulator.store import bulk
from talon_emulator.store.protocol import BulkChange, Matching, ProfileChange
from talon_emulator.store.sqlite_database import SQLiteDatabase

_ENVIRONMENTS: Final[dict[Environment, int]] = {"sandbox": 0, "live": 1}
_NAMES: Final[dict[int, Environment]] = {number: name for name, number in _ENVIRONMENTS.items()}
_ALL: Final = -1  # no limit, in SQLite
_LIST: Final = 1000  # how many integration IDs one statement looks up


class SQLiteProfiles(SQLiteDatabase):
    """The profiles and memberships of every deployment."""

    async def find_profile(self, deployment: int, environment: Environment, integration_id: str) -> Profile | None:
        """Return one profile; the integration ID is compared exactly."""
        for row in self._run("find_profile", deployment, _ENVIRONMENTS[environment], integration_id.encode()):
            return _profile(row)
        return None

    async def update_profile(
        self, deployment: int, environment: Environment, integration_id: str, change: ProfileChange
    ) -> Profile | Refusal:
        """Change or create one profile.

        No transaction around the two statements: nothing is awaited between them, and this process is the only writer.
        """
        found = self._run("find_profile", deployment, _ENVIRONMENTS[environment], integration_id.encode())
        stored = _profile(found[0]) if found else None
        changed = change(stored)
        if isinstance(changed, Refusal) or changed is stored:
            return changed
        if stored is not None and changed.audiences == stored.audiences:
            self._run("update_profile", *_changed(changed), found[0][0])
            return changed
        if stored is None:
            changed = bulk.numbered(changed, self._last_profile(deployment) + 1, environment, integration_id)
        with self._transaction():
            self._write(deployment, [(found[0][0] if found else None, stored, changed)])
        return changed

    async def update_profiles(
        self, deployment: int, environment: Environment, changes: Sequence[tuple[str, BulkChange]]
    ) -> tuple[Profile | None, ...] | Refusal:
        """Change or create many profiles, all or none; a profile may be there several times."""
        rows = self._find_profiles(deployment, environment, [integration_id for integration_id, _ in changes])
        stored = {integration_id: _profile(row) for integration_id, row in rows.items()}
        outcome = bulk.apply(stored, changes, environment, self._last_profile(deployment))
        if isinstance(outcome, Refusal):
            return outcome
        written = [(rows[new.integration_id][0] if old else None, old, new) for old, new in outcome.written]
        with self._transaction():
            self._write(deployment, written)
        return outcome.outcomes

    async def find_profile_by_number(self, deployment: int, number: int) -> Profile | None:
        """Return the profile of this number, of either environment."""
        for row in self._run("find_profile_by_number", deployment, number):
            return _profile(row)
        return None

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
        statement = f"list{'' if environment else '_all'}{'_newest' if newest_first else ''}_profiles"
        place = (deployment, _ENVIRONMENTS[environment]) if environment else (deployment,)
        if matching is None:
            return tuple(map(_profile, self._run(statement, *place, limit, skip)))
        found = filter(matching, map(_profile, self._iterate(statement, *place, _ALL, 0)))
        return tuple(islice(found, skip, skip + limit))

    async def count_profiles(
        self, deployment: int, environment: Environment | None, matching: Matching | None = None
    ) -> int:
        """Return how many profiles there are that are not hidden, and match."""
        if matching is not None:
            return len(await self.list_profiles(deployment, environment, sys.maxsize, 0, matching=matching))
        chosen = tuple(_ENVIRONMENTS) if environment is None else (environment,)
        return sum(self._run("count_profiles", deployment, _ENVIRONMENTS[one])[0][0] for one in chosen)

    async def list_members(
        self, deployment: int, audience: int, limit: int, skip: int, containing: str = ""
    ) -> tuple[Profile, ...]:
        """Return the members of an audience, hidden ones too, in the order of their creation."""
        rows = self._run("list_members", deployment, audience, containing.encode(), limit, skip)
        return tuple(map(_profile, rows))

    async def clear_audience(self, deployment: int, audience: int) -> None:
        """End every membership in an audience."""
        self._run("clear_audience", deployment, audience)

    def _all_profiles(self, deployment: int) -> tuple[Profile, ...]:
        return tuple(map(_profile, self._run("all_profiles", deployment)))

    def _find_profiles(
        self, deployment: int, environment: Environment, integration_ids: Iterable[str]
    ) -> dict[str, tuple[Any, ...]]:
        keys = [integration_id.encode() for integration_id in dict.fromkeys(integration_ids)]
        place = (deployment, _ENVIRONMENTS[environment])
        found: dict[str, tuple[Any, ...]] = {}
        for start in range(0, len(keys), _LIST):
            for row in self._run_with_list("find_profiles", place, keys[start : start + _LIST]):
                found[row[2].decode()] = row
        return found

    def _last_profile(self, deployment: int) -> int:
        [(number,)] = self._run("last_profile", deployment)
        assert isinstance(number, int)
        return number

    def _write(
        self,
        deployment: int,
        written: Iterable[tuple[int | None, Profile | None, Profile]],
    ) -> None:
        """Write profiles over the rows they are in, or into new ones, and how their memberships differ from before."""
        new = [(p.id, deployment, *_row(p)) for row, _, p in written if row is None]
        self._run_each("insert_profile", new)
        old = [(*_changed(p), row) for row, _, p in written if row is not None]
        self._run_each("update_profile", old)
        for _, before, profile in written:
            held = before.audiences if before is not None else ()
            if held != profile.audiences:
                joined, left = set(profile.audiences) - set(held), set(held) - set(profile.audiences)
                self._run_each("insert_membership", [(deployment, profile.id, audience) for audience in joined])
                self._run_each("delete_membership", [(deployment, profile.id, audience) for audience in left])


def _profile(row: tuple[Any, ...]) -> Profile:
    _, number, key, created, last_activity, attributes, audiences, hidden, place, closed, sales = row
    memberships = tuple(sorted(map(int, audiences.split(",")))) if audiences else ()
    kept = (created, last_activity, attributes, memberships, bool(hidden), _NAMES[place], closed, sales)
    return Profile(number, key.decode(), *kept)


def _row(p: Profile) -> tuple[Any, ...]:
    place = _ENVIRONMENTS[p.environment]
    return place, p.integration_id.encode(), p.created, *_changed(p)


def _changed(p: Profile) -> tuple[Any, ...]:
    return p.last_activity, p.attributes, p.hidden, p.closed_sessions, p.total_sales
