"""Compare searches: `python -m benchmarks.search [--problems A,B] [--searches C,D] [--seeds N] [--workers N]`."""

from __future__ import annotations

import argparse
import warnings

import numpy as np

from benchmarks.search.families import FAMILIES
from benchmarks.search.problem import Problem, ideal_volume, reference_cost
from benchmarks.search.searches import SEARCHES
from benchmarks.search.simulator import Trace, simulate
from search_spaces.space import Space


def mean_epoch_s(problem: Problem) -> float:
    """Of a configuration drawn at random."""
    import optuna

    from sweeps.search.samplers import UniformSampler

    study, space = optuna.create_study(sampler=UniformSampler(0)), Space.parse(problem.space)
    times = []
    for number in range(200):
        study.sampler = UniformSampler(number)
        times.append(problem.epoch_s(space.suggest(study.ask())))
    return float(np.mean(times))


def shares(trace: Trace, problem: Problem, until_s: float) -> list[float]:
    """Share of the ideal hypervolume after a quarter, a half and the whole of the time."""
    volumes, times = trace.volumes(reference_cost(problem)), np.sort(trace.times)
    reached = [volumes[times <= part * until_s] for part in (0.25, 0.5, 1.0)]
    return [float(found[-1]) / ideal_volume(problem) if len(found) else 0.0 for found in reached]


def main() -> None:
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", default=",".join(FAMILIES))
    parser.add_argument("--searches", default=",".join(SEARCHES))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--trials", type=int, default=130, help="the time is that of so many full random trials")
    chosen = parser.parse_args()
    for name in chosen.problems.split(","):
        problem = FAMILIES[name]
        until_s = chosen.trials * problem.num_epochs * mean_epoch_s(problem) / chosen.workers
        for search in chosen.searches.split(","):
            found = []
            for seed in range(chosen.seeds):
                trace = simulate(problem, SEARCHES[search](problem, seed), chosen.workers, until_s, seed)
                found.append(shares(trace, problem, until_s))
            quarter, half, whole = np.median(found, axis=0)
            ends = " ".join(f"{end:.3f}" for *_, end in found)
            print(f"{name} {search}: quarter {quarter:.3f} half {half:.3f} end {whole:.3f} ({ends})", flush=True)


if __name__ == "__main__":
    main()
