"""All benchmarks, one after another: ``python -m benchmarks`` or ``make bench``."""

from benchmarks import check, editing, exports, forward, loading, reading, shapes

for benchmark in (forward, check, reading, shapes, editing, loading, exports):
    benchmark.main()
    print()
