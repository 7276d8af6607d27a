"""Fifty people who edit at once: how long an answer takes, and that nobody sees another one's graph.

    python -m benchmarks.sessions

The app in a process of its own; each of the fifty edits a graph of its own once a second, for twenty seconds.
"""

import asyncio
import json
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from benchmarks.browser import served
from benchmarks.check import blocks
from composer.graph.file.document import to_document

PEOPLE = 50
SECONDS = 20
NODES = 40


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as address:
        times, wrong = asyncio.run(crowd(address))
    ordered = sorted(times)
    p95 = ordered[int(0.95 * len(ordered))]
    print(f"{PEOPLE} people, {len(times)} edits in {SECONDS} s of graphs of {NODES} nodes, {len(wrong)} wrong answers")
    median, p95, longest = (1000 * value for value in (statistics.median(times), p95, ordered[-1]))
    print(f"answer: median {median:.0f} ms, p95 {p95:.0f} ms, longest {longest:.0f} ms")
    for text in wrong[:5]:
        print(text)


async def crowd(address: str) -> tuple[list[float], list[str]]:
    """How long each answer took, and what was wrong."""
    times: list[float] = []
    wrong: list[str] = []
    async with httpx.AsyncClient(base_url=address, timeout=60, limits=httpx.Limits(max_connections=PEOPLE)) as client:
        config = (await client.get("/config")).json()
        canvas = next(item["id"] for item in config["components"] if item["props"].get("elem_id") == "composer-canvas")
        await asyncio.gather(*(person(client, canvas, number, times, wrong) for number in range(PEOPLE)))
    return times, wrong


async def person(client: httpx.AsyncClient, canvas: int, number: int, times: list[float], wrong: list[str]) -> None:
    """One person's edits."""
    dice = random.Random(number)
    document = json.dumps({**to_document(blocks(NODES)), "name": f"mine_{number}"})
    await asyncio.sleep(dice.random())
    end = time.perf_counter() + SECONDS
    step = 0
    while time.perf_counter() < end:
        step += 1
        path = ["nodes", f"conv{dice.randrange(NODES // 4)}", "params", "bias"]
        operation = {"op": "set", "edits": [{"path": path, "set": step % 2 == 0}]}
        start = time.perf_counter()
        answer = await call(client, canvas, "edit", {"document": document, "operations": [operation]})
        times.append(time.perf_counter() - start)
        if not answer["ok"] or answer["result"]["view"]["name"] != f"mine_{number}":
            wrong.append(str(answer)[:300])
            return
        document = answer["result"]["document"]
        await asyncio.sleep(max(0.0, 1 - (time.perf_counter() - start)))


async def call(client: httpx.AsyncClient, canvas: int, name: str, payload: dict[str, Any]) -> dict[str, Any]:
    """A call of the server, as the browser makes it."""
    body = {"component_id": canvas, "fn_name": f"composer_{name}", "data": payload, "session_hash": "benchmark"}
    return (await client.post("/gradio_api/component_server/", json=body)).json()  # type: ignore[no-any-return]


if __name__ == "__main__":
    main()
