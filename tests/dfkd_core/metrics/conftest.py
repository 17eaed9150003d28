import numpy as np
import pytest


@pytest.fixture(scope="session")
def clean():
    """Two seconds of harmonics under a syllable-rate envelope, (time,)."""
    t = np.arange(32000) / 16000
    voice = sum(np.sin(2 * np.pi * 140 * k * t + k * k) / k for k in range(1, 30))
    return (0.1 * voice * np.clip(np.sin(2 * np.pi * 3 * t), 0.02, None)).astype(np.float32)


@pytest.fixture(scope="session")
def noise(clean):
    return 0.05 * np.random.default_rng(1).standard_normal(clean.size).astype(np.float32)
