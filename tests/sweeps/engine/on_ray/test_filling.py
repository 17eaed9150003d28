"""As many trials wait as there are free places, and one more; in the long run one."""

from sweeps.engine.on_ray.filling import LOOK_S, PATIENCE_S, Filling


def test_a_round_counts_down_to_one_that_waits_as_workers_take_trials_up():
    filling = Filling(lambda: 3)
    assert [filling.num_waiting(0, now=0.0), filling.is_filling] == [4, True]
    for left in (3, 2, 1):
        filling.begun(now=0.1)
        assert filling.num_waiting(left, now=0.1) == left
    assert not filling.is_filling


def test_what_is_free_is_looked_at_between_rounds_and_not_at_every_event():
    looks = []
    filling = Filling(lambda: looks.append(1) or 0)
    for now in (0.0, LOOK_S / 2, LOOK_S, 1.2 * LOOK_S):
        assert filling.num_waiting(1, now) == 1
    assert len(looks) == 2


def test_nothing_is_added_while_more_than_one_waits_already():
    """Those have not got their places yet, which Ray still calls free."""
    assert Filling(lambda: 9).num_waiting(2, now=0.0) == 1


def test_a_place_that_somebody_else_has_taken_is_not_waited_for_forever():
    filling = Filling(lambda: 5)
    assert filling.num_waiting(0, now=0.0) == 6
    assert filling.num_waiting(6, now=PATIENCE_S - 1) == 6
    filling.begun(now=PATIENCE_S - 1)
    assert filling.num_waiting(5, now=PATIENCE_S + 1) == 5
    assert filling.num_waiting(5, now=2 * PATIENCE_S) == 1
