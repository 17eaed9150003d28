"""The first signal asks, the second insists."""

import os
import signal
import threading

import pytest

from sweeps.engine.driving.stopping import Interrupts


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_and_the_second_ends_at_once(number):
    reasons = []
    with pytest.raises(KeyboardInterrupt), Interrupts(reasons.append):
        os.kill(os.getpid(), number)
        assert reasons == [f"interrupted by {signal.Signals(number).name}"]
        os.kill(os.getpid(), number)


def test_afterwards_signals_mean_what_they_meant_before():
    before = signal.getsignal(signal.SIGTERM)
    with Interrupts(lambda reason: None):
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def test_outside_the_main_thread_signals_are_left_alone():
    before, seen = signal.getsignal(signal.SIGINT), []

    def enter():
        with Interrupts(lambda reason: None):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [before]
