"""Many processes train, lose one and continue as fewer: no work is lost or done twice."""

import pytest

from benchmarks.ranks import Job, lose_one_and_go_on


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("strategy", "world", "then"), [("ddp", 8, 6), ("fsdp", 3, 2)])
def test_a_training_that_loses_a_process_goes_on_as_fewer_with_each_sample_once_an_epoch(
    tmp_path, strategy, world, then
):
    lines = list(lose_one_and_go_on(Job(batch=48, strategy=strategy), tmp_path, world, then))
    assert lines[1] == f"of the others {world - 1} ended by themselves, {world - 1} said that a process is gone"
    apart = float(lines[-1].split(": ")[1].split(" ")[0])
    assert apart < 1e-5
