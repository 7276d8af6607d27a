"""Models on an accelerator; skipped on machines without one."""

import pytest
import torch

import composer
from composer.graphfile import loads
from tests.test_loading import TEXT
from tests.test_weight_rules import MOMENTUM

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.accelerator.is_available(), reason="this machine has no accelerator"),
]


@pytest.fixture
def device():
    return torch.accelerator.current_accelerator()


def test_a_model_loaded_onto_the_device_answers_as_on_the_cpu(tmp_path, device):
    path = tmp_path / "small.yaml"
    path.write_text(TEXT)
    model = composer.load(path).eval()
    model.save(tmp_path / "small.safetensors")
    moved = composer.load(tmp_path / "small.safetensors", device=device).eval()
    assert {tensor.device.type for tensor in moved.state_dict().values()} == {device.type}
    image = torch.randn(2, 3, 8, 8)
    assert torch.allclose(model(image)["logits"], moved(image.to(device))["logits"].cpu(), atol=1e-4)


def test_momentum_copies_are_updated_on_the_device(device):
    model = composer.compile(loads(MOMENTUM), device=device)
    views = [torch.randn(4, 3, 8, 8, device=device) for _ in range(2)]
    for _ in range(2):
        model(views, mode="loss")["loss"].backward()
    assert model.again.momentum_steps == 2 and model.again.momentum_steps.device.type == device.type
