"""All benchmarks, one after another: ``python -m benchmarks`` or ``make bench``."""

from benchmarks import check, editing, exports, forward, loading, reading, shapes, start

for benchmark in (forward, check, reading, shapes, editing, loading, exports, start):
    benchmark.main()
    print()
