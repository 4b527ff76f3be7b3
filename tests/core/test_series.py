"""Batches of a series: what is on time, and stretches of one state."""

import numpy as np
import pytest

from core.series import MAX_TIMESTAMP_S, read_series, select_on_time, split_runs


def test_a_series_is_read_as_float64():
    times, values = read_series([1, 2], [True, None])
    assert (times.dtype, values.dtype) == (np.float64, np.float64)
    assert np.isnan(values[1])


@pytest.mark.parametrize(
    ("times", "values"),
    [([1.0], []), ([[1.0]], [[1.0]]), (1.0, 1.0), ([np.nan], [1.0]), ([2 * MAX_TIMESTAMP_S], [1.0])],
)
def test_what_is_no_series_is_refused(times, values):
    with pytest.raises(ValueError, match="timestamps_s"):
        read_series(times, values)


@pytest.mark.parametrize(
    ("last_seen_s", "expected"),
    [(None, [True, True, False, False, True]), (1.5, [False, True, False, False, True]), (9.0, [False] * 5)],
)
def test_a_sample_is_on_time_after_every_sample_before_it(last_seen_s, expected):
    assert select_on_time(np.array([1.0, 3.0, 2.0, 3.0, 4.0]), last_seen_s).tolist() == expected


def test_runs_end_where_the_code_changes_or_a_break_is():
    codes = np.array([1, 1, 0, 0, 0], dtype=np.int8)
    assert list(split_runs(codes)) == [(1, 0, 2), (0, 2, 5)]
    breaks = np.array([False, True, False, False, True])
    assert list(split_runs(codes, breaks)) == [(1, 0, 1), (1, 1, 2), (0, 2, 4), (0, 4, 5)]
    assert list(split_runs(codes[:0])) == []
