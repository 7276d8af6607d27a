"""The recorded cases of full-size models that lie beside the project, in ``../shared/parity``, where they do."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch

from composer.openmmlab import config_from_graph, graph_from_config

PARITY = Path(__file__).parents[3] / "shared" / "parity"
CASES = (
    "resnet18_cifar",
    "resnet50",
    "mobilenet_v2",
    "vit_base_p16",
    "swin_tiny",
    "resnet50_arcface",
    "ss_npid",
    "ss_odc",
    "ss_deepcluster",
    "ss_swav",
    "ss_relative_loc",
    "ss_rotation_pred",
    "ss_mae",
    "ss_pixmim",
    "mp_mixmim",
    "mp_simmim",
    "mp_maskfeat",
    "mp_beit",
    "mp_beitv2",
    "ss_cae",
    "ss_mocov2",
    "ss_densecl",
    "ss_simclr",
    "mp_byol",
    "mp_simsiam",
    "mp_barlowtwins",
    "mp_mocov3_vit_small",
    "faster_rcnn",
    "faster_rcnn_dc5",
    "faster_rcnn_pafpn",
    "dh_faster_rcnn",
    "mask_rcnn",
    "retinanet",
    "retinanet_ghm",
    "retinanet_swin_t",
)

USUAL = 2e-4
ROUNDED = {"faster_rcnn_pafpn": 7e-4, "retinanet_ghm": 7e-4}
"""Cases that single precision rounds more than usual, so that processors differ. Beside float64, the record itself of
the first is 2.0e-4 off, and kernels for AVX2 are 4.8e-4; in the second an anchor that changes its bin of gradients
moves a loss by 1.1e-3 (in float64 it is within 3e-5 of the record). A loss is allowed five times what a tensor is."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not PARITY.is_dir(), reason=f"there are no recorded cases at {PARITY}"),
]


@pytest.fixture(scope="module")
def check() -> ModuleType:
    spec = importlib.util.spec_from_file_location("parity_check", PARITY / "check.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def two_threads() -> Iterator[None]:
    """The record of a detector was made with several threads; with one, the original itself misses it by a rounding."""
    threads = torch.get_num_threads()
    torch.set_num_threads(max(2, threads))
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("two_threads")
@pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad:UserWarning")
@pytest.mark.parametrize("name", CASES)
def test_the_numbers_agree(name: str, check: ModuleType) -> None:
    assert check.Case(PARITY / "cases" / f"{name}.json", tol=ROUNDED.get(name, USUAL)).run() == []


@pytest.mark.parametrize("name", CASES)
def test_the_config_comes_back(name: str, check: ModuleType) -> None:
    case = check.Case(PARITY / "cases" / f"{name}.json", tol=USUAL).case
    config, package = check.config_of(case), case["source"].split()[0]
    again = config_from_graph(graph_from_config(config, package=package))
    prototypes = config.pop("prototype", None), again.pop("prototype", None)
    assert again == config
    assert (prototypes[0] is prototypes[1]) or prototypes[0].equal(prototypes[1])
