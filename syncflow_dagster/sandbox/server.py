"""Starting and stopping the sandbox."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from syncflow_dagster.sandbox.clock import Clock
from syncflow_dagster.sandbox.control_app import ControlApp
from syncflow_dagster.sandbox.faults import FaultDial
from syncflow_dagster.sandbox.later import Later
from syncflow_dagster.sandbox.log import WriteLog
from syncflow_dagster.sandbox.monday.app import MondayService
from syncflow_dagster.sandbox.monday.seed import SeedError
from syncflow_dagster.sandbox.salesforce.app import SalesforceService
from syncflow_dagster.sandbox.salesforce.seed import SalesforceSeedError
from syncflow_dagster.sandbox.service import Service, World
from syncflow_dagster.sandbox.transport import Listener, check_loopback
from syncflow_dagster.sandbox.unipile.app import UnipileService
from syncflow_dagster.sandbox.unipile.seed import UnipileSeedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import FrameType, TracebackType

_START_LIMIT_S = 20.0


class SandboxServer:
    """All fake services and the control endpoints, served by one background thread.

    Args:
        seed_files: JSON files, each for the service that its `service` names: boards for monday,
            which is meant where it names none (see `sandbox.monday.seed`), records or people for
            salesforce (see `sandbox.salesforce.seed`), accounts and people for unipile (see
            `sandbox.unipile.seed`).
        host: A loopback address; others are refused.
        port: The monday port; 0 takes a free one.
        control_port: The control port; 0 takes a free one.
        salesforce_port: The Salesforce port; 0 takes a free one.
        unipile_port: The Unipile port; 0 takes a free one.
        clock: The sandbox's time; tests move it by hand.

    Raises:
        SeedError: A seed file cannot be read or used.
        ValueError: `host` is not a loopback address.
    """

    def __init__(
        self,
        seed_files: Sequence[Path] = (),
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        control_port: int = 0,
        salesforce_port: int = 0,
        unipile_port: int = 0,
        clock: Clock | None = None,
    ) -> None:
        check_loopback(host)
        self._host = host
        self._ports = {
            "monday": port,
            "salesforce": salesforce_port,
            "unipile": unipile_port,
            "control": control_port,
        }
        self.clock = Clock() if clock is None else clock
        world = World(self.clock, WriteLog(self.clock), FaultDial(), Later(self.clock))
        self._later = world.later
        services: tuple[Service, ...] = (
            MondayService(world),
            SalesforceService(world),
            UnipileService(world),
        )
        self._services = {one.name: one for one in services}
        for path in seed_files:
            self._plant(path)
        self._control = ControlApp(world, self._services)
        self._listeners: dict[str, Listener] = {}
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._failure: OSError | None = None

    def _plant(self, path: Path) -> None:
        document = read_seed(path)
        name = document.get("service", "monday") if isinstance(document, dict) else "monday"
        if name not in self._services:
            known = ", ".join(sorted(self._services))
            msg = f"{path}: service: {name!r} is not one of the sandbox's (there is: {known})"
            raise SeedError(msg)
        try:
            self._services[name].seed(document, str(path))
        except (SalesforceSeedError, UnipileSeedError) as error:
            raise SeedError(str(error)) from error

    @property
    def urls(self) -> dict[str, Any]:
        """Addresses of the running services, of the control endpoints, and the tokens."""
        if not self._listeners:
            raise RuntimeError("the sandbox is not running: call start() first")
        urls: dict[str, Any] = {
            name: self._listeners[name].url + service.path
            for name, service in self._services.items()
        }
        urls["control"] = self._listeners["control"].url
        urls["tokens"] = {name: dict(s.tokens) for name, s in self._services.items()}
        return urls

    def start(self) -> None:
        """Listen, and return once every service answers.

        Raises:
            OSError: A port is taken.
            RuntimeError: The server is running already, or did not come up.
        """
        if self._thread is not None:
            raise RuntimeError("the sandbox is running already")
        apps = {name: service.app for name, service in self._services.items()}
        apps["control"] = self._control.app
        try:
            for name, app in apps.items():
                own = name in self._services and self._services[name].dates_itself
                self._listeners[name] = Listener(app, self._host, self._ports[name], dated=not own)
        except OSError:
            self._close()
            raise
        # A restarted sandbox is found where it was.
        self._ports = {name: listener.port for name, listener in self._listeners.items()}
        self._control.listen_through({name: self._listeners[name] for name in self._services})
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)
        self._thread.start()
        self._await_start()

    def _await_start(self) -> None:
        assert self._thread is not None
        if self._ready.wait(_START_LIMIT_S) and self._failure is None:
            return
        failure = self._failure
        self.stop()
        msg = f"the sandbox did not start: {failure}"
        raise RuntimeError(msg) from failure

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except OSError as error:
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        serving = [asyncio.create_task(one.serve()) for one in self._listeners.values()]
        while not all(one.started for one in self._listeners.values()):
            if any(task.done() for task in serving):
                break
            await asyncio.sleep(0.002)
        self._later.start()
        self._ready.set()
        await asyncio.gather(*serving)

    def stop(self) -> None:
        """Stop listening and end the thread. No effect when it is not running."""
        for listener in self._listeners.values():
            listener.stop()
        if self._thread is not None:
            self._thread.join()
        self._close()

    def _close(self) -> None:
        for listener in self._listeners.values():
            listener.close()
        self._listeners = {}
        self._thread = None
        self._ready.clear()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def read_seed(path: Path) -> object:
    """The decoded content of a seed file.

    Raises:
        SeedError: The file cannot be read or is not JSON.
    """
    try:
        return json.loads(path.read_text("utf-8"))
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}"
        raise SeedError(msg) from error
    except json.JSONDecodeError as error:
        msg = f"{path}:{error.lineno}:{error.colno}: not JSON: {error.msg}"
        raise SeedError(msg) from error


def serve(
    seed_files: Sequence[Path],
    *,
    json_output: bool,
    port: int = 0,
    salesforce_port: int = 0,
    unipile_port: int = 0,
    control_port: int = 0,
) -> int:
    """Run the sandbox in the foreground until SIGINT or SIGTERM.

    Prints the addresses once everything answers: one line of JSON, or a line each.

    Args:
        seed_files: See `SandboxServer`, as for the ports.
        json_output: Print one line of JSON.
        port: See there.
        salesforce_port: See there.
        unipile_port: See there.
        control_port: See there.

    Returns:
        The exit code: 0 after a signal, 2 when the sandbox could not start.
    """
    with _listening() as ended:
        try:
            server = SandboxServer(
                seed_files,
                port=port,
                salesforce_port=salesforce_port,
                unipile_port=unipile_port,
                control_port=control_port,
            )
            server.start()
        except (SeedError, OSError, RuntimeError) as error:
            print(f"sandbox: {error}", file=sys.stderr)
            return 2
        try:
            _announce(server.urls, json_output=json_output)
            # A bare wait() would keep Python from running the signal handlers on some systems.
            while not ended.wait(0.5):
                pass
        finally:
            server.stop()
    return 0


@contextmanager
def _listening() -> Iterator[threading.Event]:
    """Give an event that is set once SIGINT or SIGTERM has come."""
    ended = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    before = {one: signal.signal(one, end) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _announce(urls: dict[str, Any], *, json_output: bool) -> None:
    if json_output:
        print(json.dumps(urls), flush=True)
        return
    for name, address in urls.items():
        if name != "tokens":
            print(f"{name:10} {address}")
    for name, tokens in urls["tokens"].items():
        # A key of many lines is for programs, which read JSON.
        short = (one for one in tokens.values() if "\n" not in one)
        print(f"{name} tokens: {', '.join(short)}", flush=True)
