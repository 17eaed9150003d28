"""Public packages' networks of the sizes that model_speed trains, each None where its package is not installed.

torchaudio is a dependency. asteroid is not: pip install --no-deps asteroid==0.7.0 asteroid-filterbanks==0.4.0, and
pip install "huggingface-hub<0.26" requests, into an environment that is thrown away. Its DCCRN hands numpy integers
to nn.LSTM, which torch 2.13 refuses. Without --no-deps it asks for pytorch-lightning and another torch.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from torch import nn

WIDTH = 0.25


def torchaudio_conv_tasnet() -> nn.Module | None:
    from dfkd_core.signal.resampling import resample

    resample(np.zeros(16, np.float32), 8000, 16000)  # loads torchaudio, without its native part where that is missing
    from torchaudio.models import ConvTasNet

    return ConvTasNet(1, 32, 512, 3, int(128 * WIDTH), int(512 * WIDTH), 8, 3)


def asteroid_conv_tasnet() -> nn.Module | None:
    try:
        from asteroid.models import ConvTasNet
    except ImportError:
        return None
    sizes = {"n_filters": 512, "kernel_size": 32, "stride": 16, "bn_chan": int(128 * WIDTH)}
    blocks = {"hid_chan": int(512 * WIDTH), "skip_chan": int(128 * WIDTH), "n_blocks": 8, "n_repeats": 3}
    return ConvTasNet(1, **sizes, **blocks, norm_type="gLN", mask_act="sigmoid")


def asteroid_dptnet() -> nn.Module | None:
    try:
        from asteroid.models import DPTNet
    except ImportError:
        return None
    sizes = {"n_filters": int(64 * WIDTH), "kernel_size": 32, "stride": 16, "ff_hid": int(128 * WIDTH)}
    return DPTNet(1, **sizes, chunk_size=100, n_repeats=6)


# what it is called: our model of the same sizes, and theirs
PUBLIC: dict[str, tuple[str, Callable[[], nn.Module | None]]] = {
    "torchaudio's ConvTasNet": ("conv_tasnet", torchaudio_conv_tasnet),
    "asteroid's ConvTasNet": ("conv_tasnet", asteroid_conv_tasnet),
    "asteroid's DPTNet": ("dptnet", asteroid_dptnet),
}
