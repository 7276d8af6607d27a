"""Training steps of OpenMMLab's own code: ``python -m benchmarks.selfsup_openmmlab mmpretrain moco_v2``.

Runs in an environment that has the package (benchmarks/openmmlab_environment.py), for benchmarks/selfsup.py.
"""

import sys
from importlib import import_module
from pathlib import Path
from unittest.mock import MagicMock

from benchmarks.training_step import views, works_of
from benchmarks.turns import serve, take_stdout

CONFIGS = {
    "moco_v2": "mocov2/mocov2_resnet50_8xb32-coslr-200e_in1k.py",
    "byol": "byol/byol_resnet50_16xb256-coslr-200e_in1k.py",
    "mae": "mae/mae_vit-base-p16_8xb512-amp-coslr-300e_in1k.py",
}
FOLDERS = {"mmpretrain": "", "mmselfsup": "selfsup"}

# Both packages import it for data pipelines and boxes, which no step of these models comes near.
TORCHVISION = ("", ".ops", ".ops.boxes", ".transforms", ".transforms.functional", ".transforms.transforms")


def main(package: str, name: str) -> None:
    answers = take_stdout()
    for module in TORCHVISION:
        sys.modules[f"torchvision{module}"] = MagicMock()
    engine = import_module("mmengine")
    import_module(f"{package}.models")
    import_module("mmengine.registry").init_default_scope(package)
    import_module("mmengine.logging").MessageHub.get_current_instance().update_info("max_iters", 1000)
    folder = Path(import_module(package).__file__ or "").parent / ".mim/configs" / FOLDERS[package]
    config = engine.Config.fromfile(folder / CONFIGS[name]).model
    model = import_module(f"{package}.registry").MODELS.build(config)
    model.init_weights()
    # On a CPU mmengine's SyncBN becomes BN, which is the same in one process.
    model = import_module("mmengine.model").revert_sync_batchnorm(model).train()
    images = views(1 if name == "mae" else 2)
    given = images[0] if name == "mae" and package == "mmpretrain" else images
    serve(works_of(model, lambda: model(given, [], mode="loss")), answers)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
