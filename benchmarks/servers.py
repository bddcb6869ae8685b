"""The servers that are measured, each a process of its own: `python -m benchmarks.servers NAME [FOLDER]`."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.load import pin

ANSWER_BYTES = "LOCALTALON_BENCH_ANSWER"


def bare(answer: bytes) -> Any:
    """The ceiling: an ASGI app that reads the body and answers fixed bytes."""
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    return app


def bare_starlette() -> Any:
    """What a cold start is compared with: one Starlette route."""
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    async def health(request: Any) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    return Starlette(routes=[Route("/_emulator/health", health)])


def decoding_starlette(answer: bytes) -> Any:
    """The second ceiling: a Starlette route that decodes the body and answers fixed bytes."""
    import msgspec
    from starlette.applications import Starlette
    from starlette.responses import Response
    from starlette.routing import Route

    async def update(request: Any) -> Response:
        msgspec.json.decode(await request.body())
        return Response(answer, media_type="application/json")

    return Starlette(routes=[Route("/v2/customer_profiles/{integrationId}", update, methods=["PUT"])])


def apps(name: str, folder: str | None) -> list[tuple[str, Any]]:
    """The apps of one process, by name."""
    if name in ("bare", "decoding"):
        fixed = os.environb[ANSWER_BYTES.encode()]
        return [(name, bare(fixed) if name == "bare" else decoding_starlette(fixed))]
    if name == "starlette":
        return [("starlette", bare_starlette())]
    found: list[tuple[str, Any]] = []
    if name == "emulator":
        from talon_emulator.app import create_app
        from talon_emulator.settings import Settings

        found.append(("emulator", create_app(Settings(data=folder))))
    if name == "bridge":
        from localtalon.config_file import load
        from talon_bridge.app import create_app as create_bridge

        given = {name: value for name, value in os.environ.items() if name.startswith("LOCALTALON_")}
        given.pop(ANSWER_BYTES, None)
        settings = load(None, {**given, "LOCALTALON_BRIDGE_DATA": folder} if folder else given)
        found.append(("bridge", create_bridge(settings.bridge_settings("http://127.0.0.1:9"))))
    return found


@contextlib.contextmanager
def running(name: str, folder: str | None = None, answer: bytes = b"") -> Iterator[list[int]]:
    """A server process; gives its ports once it accepts connections."""
    with process(name, folder, answer) as (_, ports):
        yield ports


@contextlib.contextmanager
def process(
    name: str, folder: str | None = None, answer: bytes = b"", settings: Mapping[str, str] | None = None
) -> Iterator[tuple[int, list[int]]]:
    """A server process; gives its process id and its ports once it accepts connections.

    `settings` are variables of its environment; `BENCH_CORE` and `BENCH_PORT` say where it runs and listens.
    """
    command = [sys.executable, "-m", "benchmarks.servers", name, *([folder] if folder else [])]
    given = {name.encode(): value.encode() for name, value in (settings or {}).items()}
    environment = {**os.environb, **given, ANSWER_BYTES.encode(): answer}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as started:
        try:
            assert started.stdout is not None
            yield started.pid, [int(port) for port in started.stdout.readline().split()]
        finally:
            started.kill()


def main() -> None:
    """Serve until killed."""
    from localtalon.serve import Service, bind, run_until_signalled
    from talon_emulator.wire import Protocol

    pin(int(os.environ.get("BENCH_CORE", "0")))
    port = int(os.environ.get("BENCH_PORT", "0"))
    name, *folder = sys.argv[1:]
    protocols = {"emulator": Protocol}
    services = [
        Service(part, app, bind("127.0.0.1", port, part, "--port"), protocols.get(part, "httptools"))
        for part, app in apps(name, folder[0] if folder else None)
    ]
    ports = " ".join(str(service.socket.getsockname()[1]) for service in services)
    run_until_signalled(services, lambda: print(ports, flush=True))


if __name__ == "__main__":
    main()
