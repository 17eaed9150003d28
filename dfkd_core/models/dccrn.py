"""DCCRN (placeholder until the real network lands)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from torch import nn

from dfkd_core.models.base import StudentBase


class DCCRNConfig(StudentBase):
    """Width scales the channel list and the LSTM units."""

    model: Literal["dccrn"] = "dccrn"
    width: Annotated[float, Field(gt=0, le=1)] = 0.25


class DCCRN(nn.Module):
    """Deep complex convolution recurrent network."""

    Config = DCCRNConfig

    def __init__(self, config: DCCRNConfig) -> None:
        super().__init__()
        self.config = config
