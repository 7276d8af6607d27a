"""The page opens, and all that it needs comes from the app itself."""

from playwright.sync_api import expect


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
