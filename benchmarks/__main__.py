"""All benchmarks, one after another: ``python -m benchmarks`` or ``make bench``."""

from benchmarks import check, forward, loading, reading, shapes

for benchmark in (forward, check, reading, shapes, loading):
    benchmark.main()
    print()
