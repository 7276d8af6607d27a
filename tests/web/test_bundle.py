"""The committed bundle is that of the front end's sources, and small."""

import gzip
import re

from composer.web.bundle import FRONTEND, RECORD, sources_mark
from composer.web.schema import payload_schema

STATIC = RECORD.parent


def test_the_bundle_was_built_from_these_sources():
    built = RECORD.read_text("utf-8").strip() if RECORD.exists() else "nothing"
    assert built == sources_mark(), "composer/web/static is stale: run make web and commit it"


def test_the_front_ends_types_are_those_of_the_payloads():
    schema = (FRONTEND / "src" / "payloads.schema.json").read_text("utf-8")
    assert schema == payload_schema(), "src/payloads.schema.json is stale: run make web and commit it"


def test_the_bundle_takes_at_most_300_kilobytes():
    sizes = [len(gzip.compress(path.read_bytes(), mtime=0)) for path in STATIC.glob("composer.*")]
    assert len(sizes) == 2 and sum(sizes) <= 300_000


def test_the_bundle_names_no_other_host_to_load_from():
    loading = re.compile(rb"""(?:url\(|src=|href=|import\(|fetch\()\s*["'`]?(?:https?:)?//""")
    for path in STATIC.glob("composer.*"):
        assert not loading.search(path.read_bytes())


def test_nothing_from_a_graph_can_become_markup():
    for path in (FRONTEND / "src").rglob("*.ts*"):
        text = path.read_text("utf-8")
        assert not re.search(
            r"dangerouslySetInnerHTML|\.innerHTML|insertAdjacentHTML|document\.write|\beval\(", text
        ), path
