"""A student as MLflow serves it: noisy arrays at 16 kHz in, enhanced ones out. MLflow runs this file to load one."""

from __future__ import annotations

from typing import Any

import mlflow
import numpy as np
from mlflow.pyfunc import PythonModel


class ServedModel(PythonModel):  # type: ignore[misc]
    """A model folder behind MLflow's interface, the same at every level."""

    def load_context(self, context: Any) -> None:
        """Open the model folder that came along."""
        from dfkd_core.teachers import open_network

        self._network = open_network(context.artifacts["model"])

    # of a bare array MLflow asks for the signature that the model is logged with; of other hints it makes one, or warns
    def predict(self, context: Any, model_input: np.ndarray, params: Any = None) -> Any:
        """Enhanced waveforms (batch, time) of noisy ones (batch, time), 16 kHz, float32."""
        from dfkd_core.signal.level import at_reference_level

        return at_reference_level(self._network, np.asarray(model_input, dtype=np.float32))


mlflow.models.set_model(ServedModel())
