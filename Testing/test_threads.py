"""Work on several cores: results in order, the first error, and one core alone."""

import os
import threading

import pytest
from IVDSegmentationLib import threads
from IVDSegmentationLib.threads import cores, in_threads


def test_results_come_in_the_order_of_the_items_whichever_is_done_first(monkeypatch):
    monkeypatch.setattr(threads, "cores", lambda: 2)
    done = threading.Event()

    def work(item: int) -> int:
        if item == 0:
            assert done.wait(10), "the second item waits for the first"
        done.set()
        return item * 2

    assert in_threads(work, range(5)) == [0, 2, 4, 6, 8]
    assert in_threads(work, []) == []


@pytest.mark.parametrize("number", [1, 2])
def test_the_error_of_the_first_item_that_fails_is_raised(monkeypatch, number):
    monkeypatch.setattr(threads, "cores", lambda: number)

    def work(item: int) -> int:
        raise ValueError(f"item {item}")

    with pytest.raises(ValueError, match="item 3"):
        in_threads(work, [3, 4])


def test_one_core_works_in_the_thread_that_asks(monkeypatch):
    monkeypatch.setattr(threads, "cores", lambda: 1)
    assert set(in_threads(lambda _: threading.get_ident(), range(3))) == {threading.get_ident()}


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system keeps no process to some of its cores")
def test_cores_are_those_that_the_process_may_use():
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert cores() == 1
    finally:
        os.sched_setaffinity(0, before)
