"""The short form of `make chaos`: Ray's servers and a worker are killed under a running sweep."""

import random

from benchmarks.chaos import chaos, plan_kills


def test_a_sweep_survives_the_death_of_gcs_worker_and_raylet(tmp_path):
    seed = random.randrange(1000)
    # the sweep must outlast three waits: it trains for five seconds at least, they take a second and a half on average
    figures = chaos(tmp_path, 6, 4, ["raylet", "worker", "gcs_server"], epoch_s=0.4, seed=seed, mean_wait_s=0.5)
    assert figures.wrong == [], f"seed {seed}"
    assert figures.kills.total() == 3
    assert max(figures.server_s) < 90


def test_the_long_form_kills_everything_about_as_often():
    plan = plan_kills(random.Random(1), 30)
    assert {target: plan.count(target) for target in plan} == dict.fromkeys(plan, 5)
