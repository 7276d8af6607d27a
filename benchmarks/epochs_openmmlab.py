"""Epochs of mmengine's Runner with mmpretrain's models: ``python -m benchmarks.epochs_openmmlab mae FOLDER``.

Runs in an environment that has the packages (benchmarks/openmmlab_environment.py), for benchmarks/epochs.py.
The configs are those that come with mmpretrain; data, batch, optimizer and length are what benchmarks/epochs.py says.
"""

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.augmentation_torchvision import without_operators
from benchmarks.training_step import highest, memory_of_loaded_model
from benchmarks.turns import Turns

CONFIGS = {
    "resnet18_cifar": "resnet/resnet18_8xb16_cifar10.py",
    "resnet50": "resnet/resnet50_8xb32_in1k.py",
    "moco_v2": "mocov2/mocov2_resnet50_8xb32-coslr-200e_in1k.py",
    "mae": "mae/mae_vit-base-p16_8xb512-amp-coslr-300e_in1k.py",
}


def main(name: str, folder: Path) -> None:
    turns = Turns()
    operators = without_operators()
    engine = import_module("mmengine")
    import_module("mmpretrain.registry")
    for part in ("models", "datasets", "engine"):
        import_module(f"mmpretrain.{part}")
    work = json.loads((folder / "work.json").read_text())
    configs = Path(import_module("mmpretrain").__file__ or "").parent / ".mim/configs"
    given = config(engine.Config.fromfile(configs / CONFIGS[name]), name, folder, work)
    loops = import_module("mmengine.runner").EpochBasedTrainLoop
    loaded = []

    class InTurns(loops):  # type: ignore[misc,valid-type]
        """Epochs one by one, each when it is asked for."""

        def run(self) -> Any:
            self.runner.call_hook("before_train")
            while turns.begin():
                self.run_epoch()
                turns.done(highest() - loaded[0])
            return self.runner.model

    import_module("mmengine.registry").LOOPS.register_module(module=InTurns)
    runner = import_module("mmengine.runner").Runner.from_cfg(given)
    loaded.append(memory_of_loaded_model())
    runner.train()
    del operators


def config(found: Any, name: str, folder: Path, work: dict[str, Any]) -> Any:
    """The config of mmpretrain, with the data, the batch, the optimizer and the length of the comparison."""
    crop = {"type": "RandomResizedCrop", "scale": work["size"], "crop_ratio_range": (0.2, 1.0)}
    views = [crop, {"type": "RandomFlip", "prob": 0.5}]
    if name == "moco_v2":
        views = [{"type": "MultiView", "num_views": 2, "transforms": [views]}]
    data = {"type": "CustomDataset", "data_root": str(folder / "images")}
    data["pipeline"] = [{"type": "LoadImageFromFile"}, *views, {"type": "PackInputs"}]
    found.train_dataloader = {
        "batch_size": work["batch"],
        "num_workers": 0,
        "dataset": data,
        "sampler": {"type": "DefaultSampler", "shuffle": True},
        "collate_fn": {"type": "default_collate"},
        "drop_last": True,
    }
    for key in ("val_dataloader", "val_evaluator", "val_cfg", "test_dataloader", "test_evaluator", "test_cfg"):
        found.pop(key, None)
    if name.startswith("resnet"):
        found.model.head.num_classes = found.data_preprocessor.num_classes = 2
        found.model.head.pop("topk", None)
    optimizer = dict(work["optimizer"])
    rules = found.optim_wrapper.get("paramwise_cfg")
    found.optim_wrapper = {
        "type": "OptimWrapper",
        "optimizer": optimizer,
        **({"paramwise_cfg": rules} if rules else {}),
    }
    found.param_scheduler = [{"type": "CosineAnnealingLR", "T_max": work["epochs"], "convert_to_iter_based": True}]
    found.train_cfg = {"type": "InTurns", "max_epochs": work["epochs"]}
    found.default_hooks.checkpoint = None
    found.work_dir = str(folder / "work")
    found.resume = False
    return found


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
