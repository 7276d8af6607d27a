"""The history of a run is read once: later readers read only new events, and a changed log is read anew."""

import json
import math
import random
from pathlib import Path

import pytest

from composer.training.runs import history
from composer.training.runs.folder import CURVES, EVENTS, RunFolder
from composer.training.runs.history import History
from tests.training.test_run_folder import a_run


@pytest.fixture(autouse=True)
def _keep_short_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_WORTH", 1)


def steps(run: RunFolder, first: int, last: int) -> None:
    """Events as a training writes them; some losses are no numbers."""
    draw = random.Random(first)
    run.events.append("start", first, steps=last, epoch=0)
    for step in range(first + 1, last + 1):
        loss = math.nan if step % 97 == 0 else draw.random()
        run.events.append("step", step, epoch=step / 10, loss=loss, lr=0.1)
        if step % 50 == 0:
            run.events.append("evaluation", step, accuracy=draw.random(), val_loss=math.inf)


def summary(found: History) -> str:
    """All of it as text."""
    data = found._to_json()
    return json.dumps({**data, "read": found.read})


def whole(run: RunFolder) -> str:
    """What a reader finds that has nothing but the log."""
    kept = (run.path / CURVES).read_bytes() if (run.path / CURVES).is_file() else None
    (run.path / CURVES).unlink(missing_ok=True)
    found = History(RunFolder(run.path))
    found.refresh()
    if kept is not None:
        (run.path / CURVES).write_bytes(kept)
    return summary(found)


def later(run: RunFolder) -> History:
    found = History(RunFolder(run.path))
    assert found.refresh()
    return found


def blot(run: RunFolder, length: int) -> None:
    """Make the beginning of the log unreadable: who still knows what was there did not read it."""
    with open(run.path / EVENTS, "r+b") as file:
        file.write(b"x" * (length - 1))


def test_a_history_follows_the_log_and_restarts_after_a_cut(tmp_path: Path) -> None:
    run = a_run(tmp_path)
    run.events.cut(0)
    found = History(RunFolder(run.path))
    assert found.refresh() and not found.curves
    run.events.append("step", 1, loss=3.0, name="x")
    kept = run.events.length
    run.events.append("evaluation", 2, accuracy=0.5)
    found.refresh()
    assert set(found.curves) == {"loss", "accuracy"} and found.best == (0.5, 2)
    run.events.cut(kept)
    run.events.append("step", 2, loss=1.0)
    found.refresh()
    assert [point.mean for point in found.curves["loss"].points] == [3.0, 1.0]
    assert set(found.curves) == {"loss"} and found.best is None


def test_a_later_reader_reads_only_new_events(tmp_path: Path) -> None:
    run = a_run(tmp_path)
    steps(run, 0, 2000)
    first = later(run)
    assert first.keep() and not first.keep()
    length = run.events.length
    steps(run, 2000, 2300)
    expected = whole(run)
    blot(run, length // 2)
    assert summary(later(run)) == expected
    first.refresh()
    assert summary(first) == expected


def test_curves_kept_with_a_checkpoint_are_valid_after_a_resume(tmp_path: Path) -> None:
    run = a_run(tmp_path)
    steps(run, 0, 500)
    checkpoint = run.events.length
    run.events.append("checkpoint", 500, file="step-500")
    writer = History(run)
    writer.refresh(upto=checkpoint)
    assert writer.keep() and writer.reader.offset == checkpoint
    steps(run, 500, 700)
    reader = later(run)
    run.events.cut(checkpoint)
    steps(run, 500, 600)
    expected = whole(run)
    blot(run, checkpoint // 2)
    reader.refresh()
    assert summary(reader) == expected == summary(later(run))


@pytest.mark.parametrize("change", ["cut", "regrown", "damaged", "version", "metric", "points", "gone", "place"])
def test_stale_or_damaged_curve_files_are_ignored(tmp_path: Path, change: str) -> None:
    run = a_run(tmp_path)
    steps(run, 0, 300)
    before = run.events.length
    steps(run, 300, 600)
    assert later(run).keep()
    path = run.path / CURVES
    data = json.loads(path.read_text())
    match change:
        case "cut":
            run.events.cut(before)
        case "regrown":
            run.events.cut(before)
            steps(run, 300, 900)
        case "damaged":
            path.write_text(path.read_text()[:-100])
        case "version":
            path.write_text(json.dumps({**data, "version": 99, "step": 1}))
        case "metric":
            path.write_text(json.dumps({**data, "metric": ["val_loss", ""], "best": [0.0, 1]}))
        case "points":
            data["curves"]["loss"]["low"].pop()
            path.write_text(json.dumps(data))
        case "gone":
            path.unlink()
        case "place":
            path.write_text(json.dumps({**data, "place": [True, "5", None], "step": 1}))
    assert summary(later(run)) == whole(run)


def test_a_history_works_in_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = a_run(tmp_path)
    steps(run, 0, 100)
    found = later(run)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(history, "atomic_write", full)
    assert not found.keep() and not (run.path / CURVES).exists()


def test_a_long_log_is_read_in_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_STRETCH", 1000)
    run = a_run(tmp_path)
    steps(run, 0, 500)
    found = History(RunFolder(run.path))
    assert not found.refresh(seconds=0.0) and 0 < found.read < 1
    rounds = 0
    while not found.refresh(seconds=0.0):
        rounds += 1
    assert rounds > 5 and summary(found) == whole(run)
