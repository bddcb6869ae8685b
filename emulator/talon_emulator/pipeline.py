"""The way of a request inside: resolve it to a call, then through the layers to its handler."""

import logging
import re
import traceback
from collections.abc import Awaitable
from functools import partial
from time import perf_counter
from typing import Final
from urllib.parse import unquote_to_bytes

import msgspec

from talon_emulator import auth, customers, errors, hosts, shapes, turns
from talon_emulator.calls import Call, Handler, Operation, Server
from talon_emulator.deployments import fingerprint
from talon_emulator.directory import REMOVED, Credential
from talon_emulator.errors import Refusal
from talon_emulator.exchange import Answer, Request
from talon_emulator.journal import BODY_CAP, Entry
from talon_emulator.limits import Limiter
from talon_emulator.routing import BadPath, NoMatch, Routes, split
from talon_emulator.settings import Settings
from talon_emulator.store import SharedStore
from talon_emulator.store.protocol import DeploymentGone
from talon_emulator.ui import pages

MAX_IMPORT: Final = 256 * 1024 * 1024
MAX_LIST: Final = 64 * 1024 * 1024  # of the Management API's imports: 500,000 items (documented) of 100 characters
_IMPORT: Final = b"/_emulator/import"
_SECRET: Final = ["v1", "sessions"]
_HIDDEN: Final = b"(not kept: it is secret)"
# Of a bulk request the journal holds this many integration IDs, of at most so many characters.
MOST_CUSTOMERS: Final = 1000
LONGEST_CUSTOMER: Final = 100

logger = logging.getLogger(__name__)


async def catch_up(server: Server, store: SharedStore, request: Request) -> Answer | None:
    """Learn what other processes changed, before anything is resolved; the answer is 500 when the store is silent."""
    if request.path == b"/_emulator/health":
        return None  # whether the process lives
    try:
        await server.directory.catch_up(store)
    except Exception as error:
        logger.error("action=failed operation=none error=%s", type(error).__name__)
        return shapes.render(request.path, errors.internal_error())
    return None


def resolve(server: Server, routes: Routes, request: Request) -> Call:
    """Find the operation, the caller and the deployment of a request. What fails here is refused already."""
    try:
        return _resolved(server, routes, request)
    except Exception as error:
        _log("none", error)
        return _refused(_at_home(server, request), errors.internal_error())


def _resolved(server: Server, routes: Routes, request: Request) -> Call:
    match = routes.find(request.method, request.path)
    if isinstance(match, BadPath):
        return _refused(_at_home(server, request), errors.bad_path(match.details))
    if isinstance(match, NoMatch):
        return _unmatched(_at_home(server, request), match)
    operation, path = match
    if operation.security == "none" or operation.security == "control":
        call = _at_home(server, request, operation, path)
        if request.method not in ("GET", "HEAD") and hosts.is_foreign(request.headers):
            return _refused(call, errors.foreign_page())
        token = server.settings.control_token if operation.security == "control" else None
        if not auth.steers(request.headers.get(b"authorization"), token):
            return _with_header(_refused(call, errors.no_control_token()), (b"www-authenticate", b"Basic"))
        label = hosts.label_of(request)
        if label and operation.security == "control" and server.directory.hosted(label) is None:
            return _refused(call, errors.no_such_deployment(label))
        return call
    credential = auth.authenticate(request.headers.get(b"authorization"), operation.security, server.directory)
    if isinstance(credential, Refusal):
        return _refused(_at_home(server, request, operation, path), credential)
    deployment = credential.deployment
    now, life = deployment.clock.now(), deployment.life
    call = Call(server, deployment, request, now, operation, path, credential, life=life)
    refusal = None
    if credential.kind == "management":
        refusal = auth.forbidden(credential, operation.method, operation.template, path)
    elif credential.platform != "none" and operation.security == "integration":
        refusal = auth.confined(credential, operation.id)
    return call if refusal is None else _refused(call, refusal)


def max_body(settings: Settings, path: bytes, headers: dict[bytes, bytes]) -> int:
    """Return how many bytes a body may have: many for an import, but only from who may do it."""
    if path.endswith(b"/import") and path.startswith(b"/v1/"):
        return max(MAX_LIST, settings.max_body_bytes)
    if path != _IMPORT or hosts.is_foreign(headers):
        return settings.max_body_bytes
    may = auth.steers(headers.get(b"authorization"), settings.control_token)
    return MAX_IMPORT if may else settings.max_body_bytes


async def run(call: Call) -> Answer:
    """Carry the call out, unless its deployment has been reset or deleted while something held it up."""
    if call.refused is not None:
        return call.refused
    if call.life != call.deployment.life:
        return _outlived(call)
    assert call.operation is not None
    return await call.operation.handler(call)


def survived(inner: Handler) -> Handler:
    """Answer 500 when a handler fails, and log once where and what kind: the message may hold customer data."""

    async def handle(call: Call) -> Answer:
        try:
            return await inner(call)
        except DeploymentGone:
            return _outlived(call)
        except Exception as error:
            _log(call.operation.id if call.operation else "none", error)
            return shapes.render(call.request.path, errors.internal_error())

    return handle


def _log(operation: str, error: Exception) -> None:
    frames = "".join(traceback.format_tb(error.__traceback__))
    logger.error("action=failed operation=%s error=%s\n%s", operation, type(error).__name__, frames)


def _outlived(call: Call) -> Answer:
    if call.deployment.life in (call.life, REMOVED):
        return shapes.render(call.request.path, errors.unauthorized("the deployment was deleted meanwhile"))
    return Answer(0, note="the deployment was reset meanwhile", manner="reset")


def faulted(inner: Handler) -> Handler:
    """Let the faults of a deployment strike the calls of Talon.One's own paths. Without any it costs one look."""

    def handle(call: Call) -> Awaitable[Answer]:
        faults = call.deployment.faults
        if not faults or not shapes.is_talon(call.request.path):
            return inner(call)
        return faults.around(call.request, customers.of(call), partial(inner, call))

    return handle


def limited(inner: Handler) -> Handler:
    """Hold callers to Talon.One's limits. Without any it costs one look.

    It is outside of the faults, so that a slow one keeps its profile busy as a slow Talon.One would.
    """

    def handle(call: Call) -> Awaitable[Answer]:
        limiter = call.deployment.limiter
        if limiter is None or call.operation is None or call.credential is None:
            return inner(call)
        return _within(limiter, call, call.operation, call.credential, inner)

    return handle


async def _within(limiter: Limiter, call: Call, operation: Operation, caller: Credential, inner: Handler) -> Answer:
    application = caller.application
    third_party = application is not None and operation.security != "integration"
    if application is None:
        admitted = limiter.management.admits(operation.id, call.now)
    elif third_party:
        # assumption: client-of-a-limit
        admitted = limiter.segment.admits((application.id, operation.security), call.now)
    else:
        admitted = True
    if not admitted:
        return shapes.render(call.request.path, errors.too_many_requests())
    turn = turns.turn(call) if application else None
    if turn is None:
        return await inner(call)
    answer = await limiter.profiles.in_turn(turn, partial(inner, call))
    if answer is None:
        # On the third-party host this is a 429 like the other (documented).
        return shapes.render(call.request.path, errors.too_many_requests() if third_party else errors.profile_busy())
    return answer


def recorded(inner: Handler) -> Handler:
    """Count every call, and keep those of Talon.One's own paths in the journal of their deployment."""

    async def handle(call: Call) -> Answer:
        started = perf_counter()
        answer = await inner(call)
        operation = call.operation.id if call.operation else None
        call.server.counters.requests[operation or "none", answer.status] += 1
        request = call.request
        if (call.credential or shapes.is_talon(request.path)) and call.life == call.deployment.life:
            secret = _is_secret(request.path)
            journal = call.deployment.journal
            journal.append(
                Entry(
                    sequence=journal.next_sequence(),
                    at=call.now,
                    seconds=perf_counter() - started,
                    method=request.method,
                    path=request.path.decode("latin-1"),
                    query=_without_keys(call.server, request.query) if request.query else "",
                    operation=operation,
                    integration_ids=_kept(customers.of(call)),
                    key=call.credential.title if call.credential else None,
                    status=answer.status,
                    note=answer.note,
                    request=_HIDDEN if secret else request.body[:BODY_CAP],
                    answer=_HIDDEN if secret else answer.body[:BODY_CAP],
                    request_size=len(request.body),
                    answer_size=len(answer.body),
                    application=_application(call.credential),
                )
            )
        return answer

    return handle


def _is_secret(path: bytes) -> bool:
    """Tell whether bodies hold a password or a token, whatever became of it and however the path is written."""
    if b"ession" not in path and b"%" not in path:
        return False
    segments = split(path)
    return not isinstance(segments, BadPath) and [part for part in segments if part] == _SECRET


def _kept(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return as many names as a journal may hold for one exchange."""
    return names if len(names) < 2 else tuple(name for name in names[:MOST_CUSTOMERS] if len(name) <= LONGEST_CUSTOMER)


def _without_keys(server: Server, query: bytes) -> str:
    """Return a query without keys that open something here."""
    parts = re.split(r"([&=])", query.decode("latin-1"))
    return "".join("***" if part and _is_key(server, part) else part for part in parts)


def _is_key(server: Server, part: str) -> bool:
    return server.directory.owner(fingerprint(unquote_to_bytes(part))) is not None


def _application(credential: Credential | None) -> int | None:
    return credential.application.id if credential is not None and credential.application is not None else None


def _at_home(
    server: Server, request: Request, operation: Operation | None = None, path: dict[str, str] | None = None
) -> Call:
    """Make a call that no key has led to a deployment: the Host may name one, else it is the configured one."""
    home = server.directory.hosted(hosts.label_of(request)) or server.configured()
    return Call(server, home, request, home.clock.now(), operation, path or {}, life=home.life)


def _refused(call: Call, refusal: Refusal) -> Call:
    if pages.is_for_people(call.request):
        answer = pages.refused(call, refusal)
    else:
        answer = shapes.render(call.request.path, refusal)
    return msgspec.structs.replace(call, refused=answer)


def _unmatched(call: Call, match: NoMatch) -> Call:
    if not match.allowed:
        return _refused(call, errors.not_found("Resource"))
    refused = _refused(call, errors.method_not_allowed(call.request.method))
    return _with_header(refused, (b"allow", ", ".join(match.allowed).encode()))


def _with_header(call: Call, header: tuple[bytes, bytes]) -> Call:
    answer = call.refused
    assert answer is not None
    answer = Answer(answer.status, answer.body, (*answer.headers, header), answer.note)
    return msgspec.structs.replace(call, refused=answer)
