"""The progress of a training: few lines without a terminal, and a remaining time with its uncertainty."""

import io
import math

import pytest

from composer.problems import byte_text, time_text
from composer.training import progress
from composer.training.progress import Pace, Progress


def shown(events, monkeypatch, terminal=False, every=1.0):
    clock = {"now": 0.0}
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock["now"])
    stream = io.StringIO()
    with Progress("tiny", stream, terminal=terminal) as view:
        for kind, step, values in events:
            view(kind, step, values)
            clock["now"] += every
    return stream.getvalue()


STEPS = [("step", step, {"epoch": step / 100, "loss": 1.0, "lr": 0.1, "rate": 320.0}) for step in range(1, 301)]


def test_without_a_terminal_lines_are_few_whole_and_plain(monkeypatch):
    text = shown([("start", 0, {"steps": 300}), *STEPS, ("evaluation", 300, {"accuracy": 0.5})], monkeypatch)
    lines = text.splitlines()
    assert len(lines) == 2 + math.ceil(300 / 60)
    assert "\x1b" not in text
    assert lines[0] == "tiny: 300 steps"
    assert "step 61 of 300" in lines[2] and "lr 0.1" in lines[2] and "320 images/s" in lines[2] and "left" in lines[2]
    assert lines[-1].endswith("accuracy 0.5")


def test_a_terminal_shows_the_best_evaluation_and_the_losses(monkeypatch):
    events = [("start", 0, {"steps": 300}), *STEPS[:5]]
    for step, value in ((5, 0.5), (6, 0.9), (7, 0.7)):
        events.append(("evaluation", step, {"accuracy": value}))
    text = shown(events, monkeypatch, terminal=True)
    assert "best accuracy 0.9 at step 6" in text and "loss 1" in text


def test_less_loss_is_better(monkeypatch):
    events = [("evaluation", step, {"val_loss": value}) for step, value in ((1, 3.0), (2, 1.0), (3, 2.0))]
    assert "best val_loss 1 at step 2" in shown(events, monkeypatch, terminal=True)


@pytest.mark.parametrize("terminal", [False, True])
def test_memory_stands_beside_its_forecast(monkeypatch, terminal):
    step = ("step", 100, {"loss": 1.0, "memory": 3 * 2**20})
    forecast = ("forecast", 0, {"memory": 4 * 2**20, "peak": 2**20})
    assert "3 MiB of 4 MiB forecast" in shown([forecast, step, step], monkeypatch, terminal, every=61.0)
    unknown = ("forecast", 0, {"message": "a sharded model is not counted"})
    text = shown([unknown, step, step], monkeypatch, terminal, every=61.0)
    assert "3 MiB" in text and "forecast" not in text


def test_names_from_files_never_become_markup(monkeypatch):
    text = shown([("skipped", 1, {"name": "[red]a.png"}), ("note", 1, {"message": "[/]"})], monkeypatch)
    assert "[red]a.png" in text and "[/]" in text


def test_the_remaining_time_has_a_range_that_grows_with_an_unsteady_pace():
    steady, unsteady = Pace(), Pace()
    for place in range(20):
        steady.add(10 * place, 5.0 * place)
        unsteady.add(10 * place, 5.0 * place + (4 if place % 2 else 0))
    left = steady.left(190, 1190)
    assert left is not None and (left.seconds, left.least, left.most) == pytest.approx((500, 500, 500))
    assert str(left) == "8 min left"
    left = unsteady.left(190, 1190)
    assert left is not None and left.least < 200 < 800 < left.most and "(" in str(left)


def test_no_remaining_time_is_shown_without_measured_steps():
    pace = Pace()
    assert pace.left(0, 100) is None
    pace.add(0, 1.0)
    pace.add(10, 2.0)
    assert pace.left(10, 100) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(3, "3 s"), (99, "99 s"), (100, "2 min"), (5400, "90 min"), (7260, "2 h 1 min"), (200_000, "2 d 7 h")],
)
def test_durations_are_shown_in_seconds_minutes_hours_or_days(seconds, text):
    assert time_text(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1,023 B"),
        (1536, "1.5 KiB"),
        (3 << 20, "3 MiB"),
        (512 << 20, "512 MiB"),
        (5 << 29, "2.5 GiB"),
        (1 << 50, "1,048,576 GiB"),
    ],
)
def test_bytes_are_said_to_three_digits(count, text):
    assert byte_text(count) == text
