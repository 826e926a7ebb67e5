"""Which candidates form the spine."""

import numpy as np
from IVDSegmentationLib.pipeline.chain import spine_chain

SPINE = np.array([[2.0, 20 - 8 * np.sin(i / 2), 34.0 * i] for i in range(8)])


def chain_of(*extra_mm, probability=0.9, spine=SPINE):
    centers = np.vstack([spine, *[np.atleast_2d(e) for e in extra_mm]]) if extra_mm else spine
    sure = [0.9] * len(spine) + [probability] * len(extra_mm)
    return spine_chain(centers, sure)


def test_a_spine_is_kept_whole_and_in_order():
    assert chain_of() == list(range(8))
    shuffled = np.array([3, 0, 7, 1, 5, 2, 6, 4])
    assert [int(shuffled[i]) for i in spine_chain(SPINE[shuffled], [0.9] * 8)] == list(range(8))


def test_a_structure_beside_the_spine_is_left_out():
    assert chain_of([45.0, -60.0, 100.0]) == list(range(8))
    assert chain_of([2.0, 80.0, 150.0]) == list(range(8))


def test_a_double_of_a_disc_is_left_out_for_the_surer_one():
    assert chain_of(SPINE[4] + [1.0, 2.0, 8.0], probability=0.6) == list(range(8))


def test_a_missed_disc_does_not_cut_the_spine():
    assert chain_of(spine=np.delete(SPINE, 3, axis=0)) == list(range(7))


def test_one_stray_component_far_below_is_not_worth_a_gap():
    assert chain_of([2.0, 20.0, -80.0], probability=0.55) == list(range(8))


def test_a_single_disc_and_none():
    assert spine_chain(np.array([[0.0, 0.0, 0.0]]), [0.7]) == [0]
    assert spine_chain(np.zeros((0, 3)), []) == []


def test_steep_lordosis_at_the_sacrum_is_a_spine():
    steep = np.vstack([[0.0, 45.0, -24.0], SPINE])
    assert spine_chain(steep, [0.9] * 9) == list(range(9))
