"""A client for the sandbox's control endpoints."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from collections.abc import Mapping


class ControlError(Exception):
    """The sandbox refused a control request; the text says why."""


class ControlClient:
    """Reads the judge's log and turns the dial.

    Args:
        url: The control address, as in `SandboxServer.urls["control"]`.
        timeout_s: Seconds to wait for each answer.
    """

    def __init__(self, url: str, timeout_s: float = 30.0) -> None:
        #: The control address.
        self.url = url.rstrip("/")
        self._timeout = timeout_s
        self._session = requests.Session()

    def log(self, service: str = "monday", after: int = 0) -> list[dict[str, Any]]:
        """Committed writes in order: `seq, at, service, op, key, remote_id, payload`."""
        query = {"service": service, "after": str(after)}
        lines = self._send("GET", "/log", query=query).text.splitlines()
        return [json.loads(line) for line in lines]

    def faults(self, fault: Mapping[str, Any] | None = None, /, **settings: Any) -> str:
        """Set one fault and return its id: `faults(kind="slow", op="create_item", delay_s=1)`.

        `service` is monday unless given. See `FaultSpec` for kinds and settings.
        """
        body = {"service": "monday"} | dict(fault or {}) | settings
        fault_id: str = self._send("POST", "/faults", body).json()["id"]
        return fault_id

    def list_faults(self) -> list[dict[str, Any]]:
        """The faults that are set, each with `seen` and `hits`."""
        listed: list[dict[str, Any]] = self._send("GET", "/faults").json()
        return listed

    def clear_faults(self) -> None:
        """Take all faults off the dial; a service that was down answers again."""
        self._send("DELETE", "/faults")

    def reset(self) -> None:
        """Back to the seeded state; log, faults, counts, limits and keys are cleared."""
        self._send("POST", "/reset")

    def clock(self, speed: float) -> None:
        """Let limit windows run `speed` times faster."""
        self._send("POST", "/clock", {"speed": speed})

    def advance(self, seconds: float) -> datetime:
        """Let time pass for all services at once, with all that happens in it.

        Returns:
            The sandbox's time afterwards.
        """
        moved = self._send("POST", "/clock", {"advance_s": seconds}).json()
        return datetime.fromisoformat(moved["now"])

    def now(self) -> datetime:
        """The sandbox's time."""
        return datetime.fromisoformat(self._send("GET", "/clock").json()["now"])

    def settings(self, service: str = "monday", **settings: Any) -> None:
        """Change a service's settings, such as `latency_s`; its limits start anew."""
        self._send("POST", "/settings", {"service": service} | settings)

    def seed(self, document: Mapping[str, Any], service: str = "monday") -> None:
        """Add a seed's content."""
        self._send("POST", "/seed", {"service": service} | dict(document))

    def stats(self) -> dict[str, Any]:
        """Counts by service."""
        counts: dict[str, Any] = self._send("GET", "/stats").json()
        return counts

    def state(self, service: str = "monday") -> dict[str, Any]:
        """What a service holds."""
        held: dict[str, Any] = self._send("GET", "/state", query={"service": service}).json()
        return held

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> requests.Response:
        url = self.url + path
        response = self._session.request(
            method, url, json=body, params=query, timeout=self._timeout
        )
        if not response.ok:
            msg = f"{method} {path}: {response.status_code} {response.text}"
            raise ControlError(msg)
        return response
