"""What an autoscaler is asked for: all that the sweeps on a cluster can use at once, for as long as they live.

A pending trial is all that an autoscaler sees of a sweep by itself, so that it would bring one node after another.
Ray keeps one such request for the whole cluster, also after the driver that made it has died. It is therefore made by
an actor on the head node, which adds up what living sweeps ask for and drops what a dead one has left.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import ray
from ray._private.ray_constants import DEBUG_AUTOSCALING_STATUS
from ray.autoscaler._private.util import format_readonly_node_type
from ray.autoscaler.sdk import request_resources
from ray.autoscaler.v2.utils import is_autoscaler_v2
from ray.exceptions import RayError
from ray.experimental.internal_kv import _internal_kv_get

from cluster.resources import check_fits, in_words, num_slots

NAME, NAMESPACE = "dfkd-demand", "dfkd"
ON_HEAD = {"node:__internal_head__": 0.001}
CHANGE_S = 5.0  # between changes, as often as an autoscaler looks
RENEW_S, SILENCE_S = 15.0, 90.0  # a sweep that has said nothing for so long is dead
CLEAR_S = 10.0  # for the answer at the end; without one the keeper lowers the request by itself
MOST = 2000  # bundles of one sweep: packing them is the autoscaler's work every few seconds

log = logging.getLogger(__name__)


def is_autoscaled() -> bool:
    """Whether the cluster that this process is connected to brings nodes when they are asked for.

    Told by what `ray status` shows: without an autoscaler each node is of a type that is called after the node.
    """
    if is_autoscaler_v2():
        return True
    status = json.loads(_internal_kv_get(DEBUG_AUTOSCALING_STATUS) or b"{}")
    types = (status.get("autoscaler_report") or {}).get("node_type_mapping") or {}
    return any(kind != format_readonly_node_type(node_id) for node_id, kind in types.items())


def require_room(wanted: Mapping[str, float], nodes: Sequence[Mapping[str, Any]]) -> None:
    """ConfigError where no node of the cluster holds a trial, and none that does can be asked for."""
    if num_slots(wanted, nodes) or not is_autoscaled():
        check_fits(wanted, nodes)
    else:
        log.warning("no node holds a trial yet; the cluster's autoscaler is asked for some with %s", in_words(wanted))


class DemandKeeper:
    """Lives on the head node; `request` tells the autoscaler."""

    def __init__(self, request: Callable[..., None] = request_resources) -> None:
        self._request, self._lock = request, threading.Lock()
        self._asked: dict[str, tuple[float, list[dict[str, float]]]] = {}
        self._requested: list[dict[str, float]] = []
        self._is_watching = False

    def watch(self) -> None:
        """Drop dead sweeps from now on, and end when nobody asks for anything."""

        def look() -> None:
            time.sleep(RENEW_S)
            while self.drop_silent(time.monotonic()):
                time.sleep(RENEW_S)
            os._exit(0)

        if not self._is_watching:
            self._is_watching = True
            threading.Thread(target=look, daemon=True).start()

    def ask(self, sweep: str, bundle: Mapping[str, float], count: int) -> int:
        """A sweep asks for `count` bundles, again and again while it lives; returns how many all sweeps ask for."""
        with self._lock:
            self._asked[sweep] = time.monotonic(), [dict(bundle)] * count
            return self._tell()

    def drop_silent(self, now: float) -> int:
        """Forget sweeps that have been silent for too long; returns how many are left."""
        with self._lock:
            self._asked = {sweep: one for sweep, one in self._asked.items() if now - one[0] < SILENCE_S}
            self._tell()
            return len(self._asked)

    def _tell(self) -> int:
        wanted = [bundle for _, bundles in self._asked.values() for bundle in bundles]
        if wanted != self._requested:
            self._request(bundles=wanted)
            self._requested = wanted
        return len(wanted)


class Demand:
    """A sweep's part of it. Nothing here waits for the cluster, or ends a sweep."""

    def __init__(self, sweep: str, bundle: Mapping[str, float]) -> None:
        self._sweep, self._bundle = sweep, dict(bundle)
        self._count, self._sent_s = 0, float("-inf")
        self._keeper: Any = None
        self._answer: Any = None

    def ask(self, count: int) -> None:
        """Room for so many trials; told when it changes, and now and then as a sign of life."""
        count, silent_s = min(count, MOST), time.monotonic() - self._sent_s
        if silent_s < (RENEW_S if count == self._count else CHANGE_S):
            return
        try:
            if self._keeper is None or self._is_lost():
                self._keeper = keeper()
            self._answer = self._keeper.ask.remote(self._sweep, self._bundle, count)
        except (RayError, ValueError) as error:  # as when the keeper ends at this moment
            log.info("the autoscaler was not asked for nodes: %s", error)
            self._keeper = None
        self._count, self._sent_s = count, time.monotonic()

    def clear(self) -> None:
        """Ask for nothing any more."""
        if self._keeper is None:
            return
        try:
            if not ray.get(self._keeper.ask.remote(self._sweep, self._bundle, 0), timeout=CLEAR_S):
                ray.kill(self._keeper)
        except RayError as error:
            log.info("the autoscaler was not told that the sweep has ended: %s", error)

    def _is_lost(self) -> bool:
        ready, _ = ray.wait([self._answer], timeout=0)
        try:
            ray.get(ready)
        except RayError:
            return True
        return False


def keeper() -> Any:
    """The cluster's keeper, made where there is none."""
    options = {"name": NAME, "namespace": NAMESPACE, "lifetime": "detached", "get_if_exists": True}
    actor = ray.remote(DemandKeeper).options(num_cpus=0, resources=ON_HEAD, **options).remote()
    actor.watch.remote()
    return actor


@contextmanager
def asking(sweep: str, bundle: Mapping[str, float], is_own_ray: bool) -> Iterator[Callable[[int], None]]:
    """While entered, a function that asks for room for so many trials; it does nothing where no autoscaler listens."""
    if is_own_ray or not is_autoscaled():
        yield lambda count: None
        return
    demand = Demand(sweep, bundle)
    try:
        yield demand.ask
    finally:
        demand.clear()
