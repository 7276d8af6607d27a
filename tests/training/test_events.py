"""The event log: one writer, any number of readers, nothing torn is read and nothing whole is lost."""

import math
import multiprocessing
import os
import random
import resource
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
import torch

from composer.problems import GraphError
from composer.training.runs.events import Event, EventReader, EventWriter, read_events


def written(path: Path, count: int = 20) -> list[Event]:
    with EventWriter(path) as log:
        return [log.append("step", step, loss=1 / (step + 1)) for step in range(count)]


def steps(path: Path) -> list[int]:
    return [event.step for event in read_events(path)]


def test_written_events_are_read_back(tmp_path):
    path = tmp_path / "events.jsonl"
    with EventWriter(path) as log:
        log.append("step", 3, loss=torch.tensor(0.5), lr=1e-3, names=["a\nb", "ä"], at={"x": 1})
        log.append("note", 3, message="NaN follows")
    step, note = read_events(path)
    assert step.values == {"loss": 0.5, "lr": 1e-3, "names": ["a\nb", "ä"], "at": {"x": 1}}
    assert (step.kind, step.step, note.values["message"]) == ("step", 3, "NaN follows")
    assert step.numbers() == {"loss": 0.5, "lr": 1e-3}
    assert [event.kind for event in read_events(path, "note")] == ["note"]


def test_numbers_that_json_lacks_come_back_as_numbers_and_the_line_stays_json(tmp_path):
    path = tmp_path / "events.jsonl"
    with EventWriter(path) as log:
        log.append("step", 1, loss=math.nan, up=math.inf, down=-math.inf)
    (event,) = read_events(path)
    assert math.isnan(event.values["loss"]) and event.values["up"] == math.inf and event.values["down"] == -math.inf
    assert b'"loss": "NaN"' in path.read_bytes()


def test_a_reader_sees_each_event_once_while_it_is_written(tmp_path):
    path = tmp_path / "events.jsonl"
    reader = EventReader(path)
    assert reader.read() == []
    with EventWriter(path) as log:
        for step in range(5):
            log.append("step", step)
            assert [event.step for event in reader.read()] == [step]
    assert reader.read() == [] and reader.cuts == 0


def test_an_incomplete_last_line_is_read_once_it_is_complete(tmp_path):
    path = tmp_path / "events.jsonl"
    line = Event("step", 0, 1.0, {"loss": 1.0}).to_line()
    path.write_bytes(line + line[:9])
    reader = EventReader(path)
    assert [event.step for event in reader.read()] == [0]
    path.write_bytes(line + line)
    assert [event.step for event in reader.read()] == [0]


def test_the_next_writer_removes_an_incomplete_last_line(tmp_path):
    path = tmp_path / "events.jsonl"
    written(path, 3)
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"step": 3, "ti')
    with EventWriter(path) as log:
        assert log.length == len(whole)
        log.append("step", 3)
    assert steps(path) == [0, 1, 2, 3]


@pytest.mark.parametrize("rubbish", [b"\x00\x00\n", b"[]\n", b'{"step": true, "time": 1, "kind": "step"}\n', b"\xff\n"])
def test_lines_that_are_no_events_are_passed_over(tmp_path, rubbish):
    path = tmp_path / "events.jsonl"
    written(path, 1)
    path.write_bytes(path.read_bytes() + rubbish + Event("step", 1, 2.0).to_line())
    assert steps(path) == [0, 1]


def test_truncated_logs_lose_the_incomplete_line_only(tmp_path):
    path = tmp_path / "events.jsonl"
    written(path, 30)
    content = path.read_bytes()
    draw = random.Random(0)
    for _ in range(200):
        length = draw.randint(0, len(content))
        path.write_bytes(content[:length])
        assert steps(path) == list(range(content[:length].count(b"\n")))
        with EventWriter(path) as log:
            log.append("step", 99)
        assert steps(path) == [*range(content[:length].count(b"\n")), 99]


def test_a_log_is_cut_back_to_a_checkpoint(tmp_path):
    path = tmp_path / "events.jsonl"
    with EventWriter(path) as log:
        log.append("step", 0)
        kept = log.length
        log.append("step", 1)
        reader = EventReader(path)
        assert len(reader.read()) == 2
        log.cut(kept)
        log.append("step", 1, again="a value that makes the log longer than it was before it was cut")
        log.append("step", 2)
    assert [event.step for event in reader.read()] == [0, 1, 2]
    assert reader.cuts == 1


def test_a_cut_inside_a_line_or_beyond_the_end_leaves_whole_lines(tmp_path):
    path = tmp_path / "events.jsonl"
    written(path, 4)
    length = path.stat().st_size
    with EventWriter(path) as log:
        log.cut(length + 1000)
        assert log.length == length
        log.cut(length - 3)
        log.append("step", 9)
    assert steps(path) == [0, 1, 2, 9]


def test_two_writers_are_refused_in_one_process_and_in_two(tmp_path):
    path = tmp_path / "events.jsonl"
    code = "import sys; from composer.training.runs.events import EventWriter; EventWriter(sys.argv[1])"
    with EventWriter(path):
        with pytest.raises(GraphError) as refused:
            EventWriter(path)
        other = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=False)
    assert [problem.code for problem in refused.value.problems] == ["run-busy"]
    assert "run-busy" in other.stderr
    written(path, 1)


def test_a_forked_worker_does_not_keep_the_lock(tmp_path):
    path = tmp_path / "events.jsonl"
    log = EventWriter(path)
    near, far = multiprocessing.Pipe()
    worker = multiprocessing.get_context("fork").Process(target=lambda: (far.send("there"), time.sleep(60)))
    worker.start()
    try:
        assert near.poll(60)
        log.close()
        written(path, 1)
    finally:
        worker.kill()
        worker.join()


def test_the_lock_of_a_killed_writer_is_free_and_its_lines_are_there(tmp_path):
    path = tmp_path / "events.jsonl"
    code = textwrap.dedent("""
        import sys
        from composer.training.runs.events import EventWriter
        log = EventWriter(sys.argv[1])
        for step in range(10**9):
            log.append("step", step, loss=0.5)
            if step == 100:
                print("there", flush=True)
    """)
    with subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None and writer.stdout.readline() == "there\n"
        reader, seen = EventReader(path), []
        while len(seen) < 500:
            seen += [event.step for event in reader.read(limit=10_000)]
        writer.send_signal(signal.SIGKILL)
    seen += [event.step for event in reader.read()]
    assert seen == list(range(len(seen)))
    with EventWriter(path) as log:
        log.append("step", len(seen))
    assert steps(path) == [*seen, len(seen)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a process with a limit of its own")
def test_a_full_disk_is_reported_and_leaves_whole_lines(tmp_path):
    path = tmp_path / "events.jsonl"

    def fill(pipe):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        with EventWriter(path) as log:
            try:
                for step in range(1000):
                    log.append("step", step, text="x" * 80)
            except GraphError as error:
                pipe.send(error.problems[0].code)

    near, far = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=fill, args=(far,))
    process.start()
    assert near.poll(60) and near.recv() == "cannot-write"
    process.join()
    content = path.read_bytes()
    assert content.endswith(b"\n") and steps(path) == list(range(content.count(b"\n"))) != []


def test_a_closed_log_refuses_events(tmp_path):
    log = EventWriter(tmp_path / "events.jsonl")
    log.close()
    with pytest.raises(ValueError, match="closed"):
        log.append("step", 0)
