"""The page opens, and all that it needs comes from the app itself."""

import os
import re
from pathlib import Path

from playwright.sync_api import expect

EDITOR_PAGE = Path(__file__).parents[3] / "docs" / "editor.md"


def test_the_page_opens_with_an_empty_graph_that_teaches_the_first_steps(page):
    expect(page.get_by_text("Build a model")).to_be_visible()
    expect(page.get_by_role("button", name="Start from a template")).to_be_visible()


def test_the_page_fits_a_small_window_without_scrolling(page):
    sizes = page.evaluate(
        "[document.documentElement.scrollHeight, innerHeight, document.documentElement.scrollWidth, innerWidth]"
    )
    assert sizes[0] <= sizes[1] and sizes[2] <= sizes[3]


def test_the_answers_carry_the_security_headers(page, app):
    answer = page.request.get(app.address)
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_foreign_host_name_and_a_foreign_origin_are_refused(page, app):
    assert page.request.get(app.address, headers={"Host": "evil.example"}).status == 421
    upload = page.request.post(f"{app.address}/gradio_api/upload", headers={"Origin": "http://evil.example"}, data=b"x")
    assert upload.status == 403


def test_the_script_in_the_documentation_gets_its_answers_from_a_server(app, monkeypatch):
    monkeypatch.chdir(EDITOR_PAGE.parents[1])
    monkeypatch.setattr(os, "environ", {**os.environ, "HF_HUB_OFFLINE": "1"})
    script = re.search(r"```python client\n(.*?)```", EDITOR_PAGE.read_text("utf-8"), re.DOTALL)[1]
    names = {}
    exec(script.replace("http://127.0.0.1:7860", app.address), names)  # noqa: S102 - our own documentation
    assert names["answer"]["classes"][0]["name"] == "Trouser"
