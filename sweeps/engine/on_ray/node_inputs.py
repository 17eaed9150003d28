"""What a worker's node has of what trials read; what it lacks is fetched from the keeper, once a node."""

from __future__ import annotations

import logging
import socket
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import ray
from ray.actor import ActorHandle

from dfkd_core.base.cache import cache_dir
from sweeps.engine.deciding.fetching import fetch
from sweeps.engine.deciding.inputs import NOWHERE, Inputs, NodeDiffers
from sweeps.engine.deciding.serving import Parcel, Piece, Serving
from sweeps.engine.on_ray.trial_desk import answer_of
from sweeps.workload import Domain

TELL_S = 10.0  # between two words on how far a node has got

_log = logging.getLogger(__name__)


class NodeInputs:
    """Of one worker: what it has asked for since it began is kept."""

    def __init__(self, domain: Domain[Any], epochs: int, keeper: ActorHandle | None) -> None:
        self._domain, self._epochs, self._keeper = domain, epochs, keeper
        self._places: dict[str, Mapping[str, str]] = {}

    def require(self, key: str, inputs: Inputs) -> Mapping[str, str]:
        """Where this node has what trials of a key read, as far as not where their config says; NodeDiffers."""
        if key not in self._places:
            self._places[key] = self._required(inputs)
        return self._places[key]

    def given(self, config: Mapping[str, Any], lack: NodeDiffers) -> Mapping[str, str]:
        """What a config names, fetched: where it lies now. NodeDiffers, as it was, where nobody gives anything."""
        if self._keeper is None:
            raise lack
        try:
            parcel = self._fetched(config, only_cached=False)
        except Exception as error:  # whatever it is, the node goes without
            raise NodeDiffers(f"{lack}; nor can it be given that: {str(error) or type(error).__name__}") from error
        if not parcel.places:
            raise lack
        return {name: str(cache_dir() / place) for name, place in parcel.places.items()}

    def _required(self, inputs: Inputs) -> Mapping[str, str]:
        try:
            inputs.require(self._domain)
        except NodeDiffers as lack:
            places = self.given(inputs.config, lack)
            inputs.require(self._domain, places)
            return places
        if inputs.hashes and self._keeper is not None:
            self._fill_cache(inputs.config)
        return NOWHERE

    def _fill_cache(self, config: Mapping[str, Any]) -> None:
        """Fetch what this node would else make for itself, such as a teacher's estimates; it can do without."""
        try:
            parsed = self._domain.trial_config(config, self._epochs)
            if not all(path.is_file() for path in self._domain.cached_files(parsed)):
                self._fetched(config, only_cached=True)
        except Exception as error:
            _log.warning("this node makes for itself what it was not given: %s", str(error) or type(error).__name__)

    def _fetched(self, config: Mapping[str, Any], only_cached: bool) -> Parcel:
        """A parcel, once all of it lies in this node's cache folder; the keeper hears how that gets on."""
        begun, last, ticket = time.monotonic(), 0.0, uuid.uuid4().hex
        node = f"{socket.gethostname()} (node {ray.get_runtime_context().get_node_id()[:8]})"
        parcel: Parcel = self._ask("parcel", config, only_cached)

        def tell(what: str, done: int, total: int, *, is_over: bool = False) -> None:
            nonlocal last
            if is_over or time.monotonic() - last > TELL_S:
                last = time.monotonic()
                self._ask("tell", ticket, Serving(node, what, done, total, last - begun, is_over))

        def read(pieces: Sequence[Piece]) -> list[bytes]:
            contents: list[bytes] = self._ask("pieces", config, only_cached, pieces)
            return contents

        if num_bytes := fetch(parcel, cache_dir(), read, tell):
            tell(parcel.what, num_bytes, parcel.num_bytes, is_over=True)
        return parcel

    def _ask(self, what: str, *arguments: Any) -> Any:
        return answer_of(getattr(self._keeper, what).remote(*arguments))
