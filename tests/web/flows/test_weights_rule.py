"""The rule that says where a node's weights come from."""

import pytest
from playwright.sync_api import Page, expect

from tests.web.flows import steps


@pytest.fixture
def siamese(page: Page) -> Page:
    steps.open_text(page, steps.SIAMESE)
    steps.pick(page, "backbone_k")
    return page


def test_a_shared_node_has_no_weights_and_no_parameters_of_its_own(siamese):
    siamese.get_by_role("radio", name="Shared").click()
    expect(siamese.locator("summary", has_text="Parameters")).to_contain_text("those of backbone")
    expect(siamese.get_by_role("radio", name="Shared")).to_be_checked()
    assert "backbone_k: {weights: {share: backbone}" in steps.downloaded(siamese)
    siamese.get_by_role("radio", name="Own").click()
    expect(steps.control(siamese, "depth")).to_be_visible()


def test_a_momentum_copy_has_a_decay_that_is_checked(siamese):
    siamese.get_by_role("radio", name="Momentum").click()
    steps.put(siamese, "decay", "2")
    expect(steps.field(siamese, "decay").get_by_role("alert")).to_contain_text("expected a number from 0 to 1")
    expect(steps.control(siamese, "decay")).to_have_value("0.999")
    steps.put(siamese, "decay", "0.99")
    steps.control(siamese, "update").select_option("after")
    expect(steps.control(siamese, "decay")).to_have_value("0.99")
    siamese.get_by_label("Form of end_decay").select_option("number")
    expect(steps.control(siamese, "end_decay")).to_have_value("1")
    text = steps.downloaded(siamese)
    assert "momentum: backbone" in text and "decay: 0.99" in text and "end_decay: 1" in text and "update: after" in text


def test_a_frozen_node_has_nothing_that_is_trained(siamese):
    trainable = siamese.locator(".composer-facts div", has_text="Trainable")
    expect(trainable).to_contain_text("11.2 M")
    siamese.get_by_role("switch", name="Frozen").check()
    expect(trainable).to_contain_text("Trainable0")
    siamese.get_by_role("button", name="Undo: freeze backbone_k").click()
    expect(trainable).to_contain_text("11.2 M")


def test_a_node_without_a_second_of_its_type_cannot_share(page):
    steps.open_shipped(page)
    steps.pick(page, "head")
    expect(page.get_by_role("radio", name="Shared")).to_be_disabled()
