"""How many threads a training may use, of every library that would start some."""

from __future__ import annotations

import torch
from threadpoolctl import threadpool_limits


def limit_threads(num_threads: int) -> None:
    """Hold torch and numpy to so many threads, for the rest of this process.

    numpy's BLAS starts one for each core, and these wait for work by spinning: without the limit the metrics of a
    validation cost a second core as much time as their own.
    """
    torch.set_num_threads(num_threads)
    threadpool_limits(num_threads, user_api="blas")
