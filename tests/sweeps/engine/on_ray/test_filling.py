"""As many trials wait as workers start and places are free, and one more."""

from sweeps.engine.on_ray.filling import LOOK_S, Filling


def test_a_full_cluster_has_one_trial_that_waits():
    assert Filling(lambda: 0).num_waiting(0, num_placed=64, now=0.0) == 1


def test_all_free_places_are_filled_at_once_and_those_that_were_given_since_the_look_are_not_counted_again():
    """Ray calls them free for a while."""
    filling = Filling(lambda: 3)
    assert filling.num_waiting(0, num_placed=5, now=0.0) == 3 + 1
    assert filling.num_waiting(2, num_placed=7, now=0.1) == 2 + 1 + 1
    assert filling.num_waiting(3, num_placed=8, now=0.2) == 3 + 0 + 1
    assert filling.num_waiting(0, num_placed=8, now=0.3) == 1, "all are at work"


def test_what_is_free_is_looked_at_now_and_then_and_not_at_every_event():
    looks = []
    filling = Filling(lambda: looks.append(1) or len(looks) - 1)
    waiting = [filling.num_waiting(0, 4, now) for now in (0.0, LOOK_S / 2, LOOK_S, 1.2 * LOOK_S)]
    assert len(looks) == 2 and waiting == [1, 1, 2, 2]
