"""A Talon.One and a bridge to it, both in this process, for as long as you need them."""

import asyncio
import secrets
import threading
from collections.abc import Iterable
from concurrent.futures import Future
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar, Unpack
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import msgspec

from localtalon.config import Config
from localtalon.config_file import load
from localtalon.in_process import InProcess, Reply
from localtalon.serve import PortTakenError, Service, bind, run, serve
from talon_bridge.app import create_app as create_bridge
from talon_bridge.control.health import LONGEST_IDLE_WAIT
from talon_bridge.settings import Settings as BridgeSettings
from talon_emulator.app import create_app as create_emulator
from talon_emulator.seed import DeploymentSeed
from talon_emulator.settings import Settings as EmulatorSettings
from talon_emulator.store import Store, open_store
from talon_emulator.wire import Protocol

if TYPE_CHECKING:
    from localtalon.bridge import Bridge
    from localtalon.deployment import Limits, Talon
    from localtalon.differences import ClientSide, Differences

T = TypeVar("T", "Talon", "Bridge")

_direct = build_opener(ProxyHandler({}))  # the environment's proxies have no business on this machine


class Pair(msgspec.Struct, frozen=True):
    """The two services, bound and composed but not yet running."""

    emulator: Service
    bridge: Service
    emulator_settings: EmulatorSettings
    bridge_settings: BridgeSettings
    store: Store

    @property
    def deployment(self) -> DeploymentSeed:
        """The deployment that the emulator starts with."""
        return self.emulator_settings.deployment


def compose(settings: Config) -> Pair:
    """Bind both ports and build both apps; the bridge points at the emulator unless the config says otherwise."""
    of_emulator, computations = settings.emulator_settings(), settings.computations()
    if settings.emulator.port == settings.bridge.port != 0 and settings.emulator.host == settings.bridge.host:
        raise PortTakenError(f"emulator and bridge are both given port {settings.bridge.port}; each needs its own")
    store = open_store(of_emulator.data)
    talon_socket = bind(of_emulator.host, of_emulator.port, "emulator", "--emulator-port")
    emulator = Service("emulator", create_emulator(of_emulator, store=store), talon_socket, Protocol)
    try:
        of_bridge = settings.bridge_settings(emulator.url)
        bridge_socket = bind(of_bridge.host, of_bridge.port, "bridge", "--bridge-port")
    except BaseException:
        talon_socket.close()
        raise
    app = create_bridge(of_bridge, computations=computations)
    bridge = Service("bridge", app, bridge_socket, Protocol, of_bridge.clients_grace)
    return Pair(emulator, bridge, of_emulator, of_bridge, store)


class Sandbox:
    """Both parts on free ports of this machine, in a thread of this process.

    >>> with Sandbox() as sandbox:
    ...     print(sandbox.bridge_url, sandbox.emulator_url)

    `config_file` is a localtalon.toml, or what was read from one; without one it is the demo deployment, in memory,
    nothing is limited and deliveries are not slowed down. Ports are free ones unless given.

    >>> with Sandbox() as sandbox, sandbox.deployment() as talon, sandbox.bridge_for(talon) as bridge:
    ...     bridge.identify("u1", {"email": "ada@example.com"})
    ...     bridge.idle()
    ...     print(talon.profile("u1").attributes)
    """

    def __init__(
        self,
        config_file: Config | Path | str | None = None,
        *,
        data: Path | str | None = None,
        emulator_port: int = 0,
        bridge_port: int = 0,
    ) -> None:
        settings = _read(config_file)
        folder = None if data is None else str(data)
        replace = msgspec.structs.replace
        emulator = replace(settings.emulator, port=emulator_port, data=folder or settings.emulator.data)
        bridge = replace(settings.bridge, port=bridge_port, data=folder or settings.bridge.data)
        if config_file is None:
            emulator = replace(emulator, limits="off")
            bridge = replace(bridge, max_requests_per_second=0)
        self._settings = replace(settings, emulator=emulator, bridge=bridge)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self._pair: Pair | None = None
        self._open: list[Talon | Bridge] = []

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> Self:
        """Start both and return once both answer; raises what keeps them from it."""
        if self._pair is not None:
            raise RuntimeError("the sandbox is already started")
        self._pair = compose(self._settings)
        ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="localtalon", daemon=True)
        self._thread.start()
        try:
            ready.result()
        except BaseException:
            self._ended()
            raise
        return self

    def stop(self) -> None:
        """Let what is in flight end, and give the ports back; stopping a stopped one does nothing."""
        if self._pair is not None:
            for each in reversed(self._open):
                each.close()
            self._open = []
            self._loop.call_soon_threadsafe(self._stop.set)
            self._ended()

    def idle(self, seconds: float = 30) -> None:
        """Wait until everything that the bridge accepted is settled; raises TimeoutError when that takes longer."""
        token = self._running.bridge_settings.control_token
        headers = {} if token is None else {"Authorization": "Bearer " + token.encode().decode("latin-1")}
        request = Request(f"{self.bridge_url}/_bridge/idle?timeout={seconds:g}", headers=headers)  # noqa: S310 (our own)
        try:
            with _direct.open(request, timeout=min(seconds, LONGEST_IDLE_WAIT) + 10) as answer:
                answer.read()
        except HTTPError as error:
            with error:
                told = error.read()
            if error.code != 409:
                Reply(error.code, told).read()
            raise TimeoutError(f"the bridge is not idle after {seconds:g} s: {told.decode()}") from None

    def advance(self, by: timedelta | float | None = None, **parts: float) -> None:
        """Let time pass on both clocks: `advance(60)`, `advance(days=31)`. What is then due is waited for by `idle`."""
        from localtalon.talon_controls import Clock

        pair = self._running
        tokens = (pair.emulator_settings.control_token, pair.bridge_settings.control_token)
        for part, token in zip((pair.emulator, pair.bridge), tokens, strict=True):
            app = InProcess(self._loop, part.app, part.url, token)
            Clock(app, f"/_{part.name}/clock").advance(by, **parts)

    def deployment(
        self,
        config: Config | Path | str | None = None,
        *,
        limits: "Limits | None" = None,
        **differences: "Unpack[Differences]",
    ) -> "Talon":
        """A Talon.One of your own on this emulator: empty, with keys that nobody has.

        It is as `config` describes it (by default what the sandbox was started with), but for the `differences`:
        `custom_attributes`, `attributes`, `client_side_sources`, `run_rule_engine`, `assumptions`; `limits` are those
        of the sandbox unless given. Raises `ConfigError`, or `ControlError` for what the emulator does not take.
        """
        from localtalon.deployment import Talon
        from localtalon.differences import amended

        pair = self._running
        settings = amended(self._settings if config is None else _read(config), **differences)
        emulator = InProcess(self._loop, pair.emulator.app, pair.emulator.url, pair.emulator_settings.control_token)
        return self._kept(Talon(emulator, pair.store, settings, limits))

    def bridge_for(
        self,
        talon: "Talon",
        *,
        custom_attributes: Iterable[str] | None = None,
        client_side_sources: "ClientSide | None" = None,
        run_rule_engine: bool | None = None,
    ) -> "Bridge":
        """A bridge of your own that delivers to this deployment, at once and without a limit; there may be several.

        Its settings are those that the deployment was made with, unless given here. Raises `ConfigError`.
        """
        from localtalon.bridge import Bridge
        from localtalon.differences import amended, bridge_settings
        from localtalon.hosting import Hosted

        assert self._running
        changed = amended(
            talon.config,
            custom_attributes=custom_attributes,
            client_side_sources=client_side_sources,
            run_rule_engine=run_rule_engine,
        )
        write_key = secrets.token_hex(16)
        settings = bridge_settings(changed, talon.url, talon.api_key, talon.management_key, write_key)
        app = create_bridge(settings, computations=changed.computations())
        service = Service("bridge", app, bind("127.0.0.1", 0, "bridge", "port"), Protocol)
        hosted = Hosted(service)
        asked = InProcess(self._loop, service.app, service.url)
        asked.run(hosted.open())
        return self._kept(Bridge(hosted, asked, write_key))

    def _kept(self, made: T) -> T:
        self._open = [*(each for each in self._open if not each.closed), made]
        return made

    def _ended(self) -> None:
        assert self._thread is not None
        assert self._pair is not None
        self._thread.join()
        self._thread = None
        for service in (self._pair.emulator, self._pair.bridge):
            service.socket.close()
        self._pair = None

    @property
    def emulator_url(self) -> str:
        """The fake Talon.One."""
        return self._running.emulator.url

    @property
    def bridge_url(self) -> str:
        """Where Segment's libraries send to."""
        return self._running.bridge.url

    @property
    def write_key(self) -> str:
        """The bridge's first write key."""
        return self._running.bridge_settings.write_keys[0]

    @property
    def api_key(self) -> str:
        """The Integration API key that the bridge itself uses."""
        return self._running.bridge_settings.destination.api_key

    @property
    def management_key(self) -> str:
        """The first Management API key of the deployment."""
        return self._running.deployment.management_keys[0].key

    @property
    def _running(self) -> Pair:
        if self._pair is None:
            raise RuntimeError("the sandbox is not started; use it in a with block, or call start()")
        return self._pair

    def _run(self, ready: "Future[None]") -> None:
        async def main() -> None:
            self._loop = asyncio.get_running_loop()
            self._stop = asyncio.Event()
            pair = self._running
            await serve((pair.emulator, pair.bridge), self._stop, lambda: ready.set_result(None))

        try:
            run(main())
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)


def _read(config: Config | Path | str | None) -> Config:
    return config if isinstance(config, Config) else load(None if config is None else Path(config))
