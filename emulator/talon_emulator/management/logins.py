"""Users who sign in and out: the sessions of the Management API."""

import secrets
from datetime import timedelta
from typing import Any, Final

import msgspec

from talon_emulator import body, errors, hosts
from talon_emulator.auth import SCHEMES
from talon_emulator.calls import Call, json_answer
from talon_emulator.clock import timestamp
from talon_emulator.deployments import Deployment, Session, User, fingerprint, hashed
from talon_emulator.directory import ServedDeployment
from talon_emulator.errors import Refusal
from talon_emulator.exchange import NO_CONTENT, Answer
from talon_emulator.management import changes

LIFETIME: Final = timedelta(days=90)  # three months (documented; that each has 30 days is assumed)


class Login(msgspec.Struct, frozen=True):
    """What a client sends to sign in."""

    email: str
    password: str


_LOGIN = body.decoder(Login)


async def create_session(call: Call) -> Answer:
    """POST /v1/sessions: 201 with a token that opens what a Management key does; 401 for who is not known.

    (assumption: wrong-sign-in)
    The limit is that of the deployment found; where none is, that of the one that the Host names, or the configured.
    """
    login = body.decode(call.request.body, _LOGIN)
    if isinstance(login, Refusal):
        return errors.answer(login)
    label = hosts.label_of(call.request)
    if label and call.server.directory.hosted(label) is None:
        return errors.answer(errors.no_such_deployment(label))
    found = _user(call, login)
    served = found[0] if found else call.deployment
    now, limiter = served.clock.now(), served.limiter
    if limiter is not None and not limiter.management.admits("createSession", now):  # nobody's key: for all alike
        return errors.answer(errors.too_many_requests())
    if found is None:
        return errors.answer(errors.wrong_login())
    user, token = found[1], secrets.token_urlsafe(32)
    session = Session(fingerprint(token.encode()), user.id, now + LIFETIME)

    def change(stored: Deployment) -> Deployment:
        going_on = (each for each in stored.state.sessions if each.expires > now)
        return changes.with_state(stored, sessions=(*going_on, session))

    outcome = await call.server.store.change_deployment(served.id, change)
    assert isinstance(outcome, Deployment)
    call.server.directory.put(outcome)
    shown: dict[str, Any] = {"userId": user.id, "token": token, "created": timestamp(now)}
    return json_answer(shown, 201)


async def destroy_session(call: Call) -> Answer:
    """DELETE /v1/sessions: 204, the token opens nothing any more; with a Management key there is nothing to end."""
    assert call.credential is not None
    if call.credential.kind == "session":
        header = call.request.headers[b"authorization"]
        ended = fingerprint(header.removeprefix(SCHEMES["session"]))

        def change(stored: Deployment) -> Deployment:
            going_on = tuple(each for each in stored.state.sessions if each.fingerprint != ended)
            return changes.with_state(stored, sessions=going_on)

        await changes.change(call, change)
    return NO_CONTENT


def _user(call: Call, login: Login) -> tuple[ServedDeployment, User] | None:
    """Find who signs in: where the Host names a deployment only there, else in the configured one, then the newest."""
    email, password = login.email.casefold(), hashed(login.email, login.password)
    for served in _asked(call):
        for user in served.record.state.users:
            if user.email.casefold() == email and secrets.compare_digest(user.password, password):
                return served, user
    return None


def _asked(call: Call) -> tuple[ServedDeployment, ...]:
    if hosts.label_of(call.request):
        return (call.deployment,)
    newest_first = sorted(call.server.directory.all(), key=lambda served: served.id, reverse=True)
    return (call.server.configured(), *newest_first)
