"""Commands as whole processes, in turns with ``import torch`` alone: wall clock, processor time and peak memory.

python -m benchmarks.start
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

__all__ = ["main"]

ROUNDS = 7
ALONE = ("-c", "import torch")
GRAPHS = "classification/resnet50", "detection/faster_rcnn_r50_fpn", "classification/vit_base_p16"
WORKS = {
    **{f"check {graph}": ("-m", "composer", "check", f"saved_graphs/{graph}.yaml") for graph in GRAPHS},
    "--help": ("-m", "composer", "--help"),
    "show ResNet": ("-m", "composer", "show", "ResNet"),
    f"composer.load {GRAPHS[0]}": ("-c", f"import composer; composer.load('saved_graphs/{GRAPHS[0]}.yaml')"),
}
ENVIRONMENT = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}  # as where it is installed: sources are compiled once


def main() -> None:
    print("whole processes, each in turns with one that only imports torch: median ratio (least to greatest)")
    for name, work in WORKS.items():
        spent(work), spent(ALONE)
        pairs = [(spent(work), spent(ALONE)) for _ in range(ROUNDS)]
        clock, busy, memory = (
            sorted(ours[figure] / theirs[figure] for ours, theirs in pairs) for figure in range(len(pairs[0][0]))
        )
        texts = [f"{statistics.median(one):.2f} ({one[0]:.2f} to {one[-1]:.2f})" for one in (clock, busy, memory)]
        peak = statistics.median(ours[2] for ours, _ in pairs)
        print(f"  {name}: time {texts[0]}, processor time {texts[1]}, peak memory {texts[2]}, {peak:.0f} MiB")


def spent(arguments: Sequence[str]) -> tuple[float, float, float]:
    """Seconds, seconds of processors, and MiB at the peak of one run of Python."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"{' '.join(arguments)} ended with {process.returncode}"
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
