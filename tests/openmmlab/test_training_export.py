"""A recipe becomes the training part of a config and comes back as it was; what has no counterpart is named."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from composer.catalog import Catalog
from composer.cli.app import app
from composer.graph.file import read
from composer.openmmlab import whole_config_from_graph
from composer.openmmlab.config_file import ConfigFile
from composer.openmmlab.recipes import WrittenTraining, config_from_recipe, import_recipe
from composer.training.augment import STEPS
from composer.training.augment.steps import read_list
from composer.training.recipe import Recipe, read_recipe, write_recipe
from composer.training.runs.folder import RunFolder
from tests.openmmlab.test_recipe_augmentation import graph
from tests.training.test_augment import MOVING

ROOT = Path(__file__).parents[2]
CATALOG = Catalog.default()
DATA = {"train": {"path": "images/train", "format": "folder"}, "val": {"path": "images/val", "format": "folder"}}


def recipe_of(**changes: Any) -> Recipe:
    plain: dict[str, Any] = {
        "graph": "g.yaml",
        "data": DATA,
        "augment": {"image": ["flip"]},
        "optimizer": {"type": "SGD", "lr": 0.1, "momentum": 0.9, "weight_decay": 1e-4},
        "schedule": {"type": "cosine"},
        "epochs": 20,
        "batches": {"batch": 64},
    }
    return Recipe.model_validate({**plain, **changes})


def written(recipe: Recipe, drawn: Any = None, **options: Any) -> WrittenTraining:
    return config_from_recipe(recipe, drawn or graph("image"), {}, "mmpretrain", **options)


def again(found: WrittenTraining, drawn: Any = None) -> Recipe:
    config = ConfigFile(Path("c.py"), {**found.settings, "model": dict(found.model)}, "mmpretrain", (), ())
    return import_recipe(config, drawn or graph("image"), gpus=1).recipe


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"steps": 5000, "epochs": None, "evaluation": {"every": "500 steps"}, "checkpoints": {"every": "1000 steps"}},
        {"batches": {"batch": 64, "accumulate": 4, "drop_last": False, "shuffle": False}},
        {"optimizer": {"type": "AdamW", "lr": 1e-3, "weight_decay": 0.05, "betas": [0.9, 0.95]}},
        {"optimizer": {"type": "LARS", "lr": 4.8, "weight_decay": 1e-6, "trust": 0.002, "norm_decay_mult": 0}},
        {"optimizer": {"type": "Lamb", "lr": 0.005, "weight_decay": 0.02, "bias_lr_mult": 2.0, "max_grad_norm": 2.0}},
        {"optimizer": {"type": "SGD", "lr": 0.1, "norm_decay_mult": 1.0, "bias_decay_mult": 1.0}},
        {"clip": {"norm": 5.0}, "precision": "fp16"},
        {"clip": {"value": 0.5}, "precision": "bf16"},
        {"ema": {"decay": 0.999, "warmup": False}, "seed": 7},
        {"ema": {"decay": 0.9998, "warmup": True}},
        {"mix": {"mixup": 0.2, "cutmix": 1.0}},
        {
            "evaluation": {"every": "2 epochs", "best": "accuracy", "mode": "max", "batch": 8},
            "checkpoints": {"keep": 5},
        },
        {"data": {"train": {"path": "a.json", "format": "coco", "images": "i", "empty": "drop"}, "val": None}},
        {"data": {"train": {"path": "voc", "format": "voc", "split": "train"}, "hold_back": 0.0}},
        {
            "data": {
                "train": {"path": "m", "format": "idx", "split": "train"},
                "val": {**DATA["val"], "format": "images"},
            }
        },
    ],
    ids=str,
)
def test_a_recipe_comes_back_as_it_was(changes: dict[str, Any]) -> None:
    recipe = recipe_of(**changes)
    found = written(recipe)
    same = again(found)
    ignored = {"batches": {"workers", "prefetch"}, "evaluation": {"metrics", "batch"}, "graph": True, "metadata": True}
    ignored["data"] = {"hold_back"}
    ignored["checkpoints"] = set() if "checkpoints" in changes else {"every"}
    if recipe.data.val is None:
        ignored["evaluation"] = {"metrics", "batch", "every"}
    plain, back = (one.model_dump(mode="json", exclude=ignored) for one in (recipe, same))  # type: ignore[arg-type]
    plain["checkpoints"], back["checkpoints"] = recipe.checkpoints.keep, same.checkpoints.keep
    assert back == {**plain, "augment": {"image": ["flip"]}}
    assert [line for line in found.left if not line.startswith("data.hold_back")] == []


@pytest.mark.parametrize(
    "schedule",
    [
        {"type": "constant"},
        {"type": "constant", "warmup": "2 epochs", "warmup_start": 0.1},
        {"type": "cosine", "warmup": "5 epochs", "warmup_start": 0.01, "end": 0.05},
        {"type": "cosine", "warmup": "10%", "hold": "2 epochs", "cooldown": "3 epochs"},
        {"type": "linear", "end": 0.1},
        {"type": "poly", "power": 2.0, "end": 0.01, "warmup": "1 epoch"},
        {"type": "step", "at": ["8 epochs", "11 epochs"], "gamma": 0.2, "warmup": "500 steps"},
        {"type": "step", "every": "3 epochs"},
        {"type": "one_cycle", "warmup": "30%", "warmup_start": 0.04, "end": 1e-5},
    ],
    ids=str,
)
@pytest.mark.parametrize("length", [{"epochs": 20}, {"epochs": None, "steps": 2000}])
def test_a_schedule_comes_back_as_it_was(schedule: dict[str, Any], length: dict[str, Any]) -> None:
    if length.get("steps"):
        schedule = {
            key: [_steps(one) for one in value] if isinstance(value, list) else _steps(value)
            for key, value in schedule.items()
        }
    recipe = recipe_of(
        schedule=schedule, evaluation={"every": _steps("1 epoch") if length.get("steps") else "1 epoch"}, **length
    )
    found = written(recipe)
    assert found.left == ()
    came, gave = again(found).schedule, recipe.schedule
    assert came is not None and gave is not None
    unit = "steps" if length.get("steps") else "epochs"
    if gave.type != "one_cycle" and gave.warmup.unit == "%":
        gave = gave.model_copy(update={"warmup": type(gave.warmup)(2 if unit == "epochs" else 200, unit)})
    start = {} if gave.warmup.amount else {"warmup_start": came.warmup_start}
    assert came == gave.model_copy(update=start)


def _steps(value: Any) -> Any:
    """A stretch of 20 epochs as one of 2000 steps."""
    if not isinstance(value, str) or "epoch" not in value:
        return value
    return f"{int(value.partition(' ')[0]) * 100} steps"


def test_a_warm_up_in_steps_before_a_fall_in_epochs_is_exact_where_the_data_is_known() -> None:
    recipe = recipe_of(schedule={"type": "cosine", "warmup": "500 steps"})
    known = written(recipe, per_epoch=100)
    assert known.left == () and again(known).schedule == recipe.schedule
    rise, fall = known.settings["param_scheduler"]
    assert (rise["end"], fall["begin"], fall["end"], fall["by_epoch"]) == (500, 500, 2000, False)
    (note,) = written(recipe).left
    assert "counted from the start there, and from the end of the warm-up here" in note


LEFT_STEPS = {
    "affine": {"degrees": 30, "translate": [0.2, 0.1]},
    "flip": {"p": 0.8, "direction": "both"},
    "pad": {"padding": [3, 5, 7, 11]},
    "rand_augment": {"prob": 0.9},
    "rotate": {"degrees": 10, "fill": [9, 9, 9]},
    "scale_jitter": {"size": [120, 90], "interpolation": "nearest"},
}
KEPT_STEPS: list[tuple[str, dict[str, Any]]] = [
    *((name, dict(MOVING.get(name, {}))) for name in STEPS if name not in ("affine", "pad", "flip", "rand_augment")),
    ("affine", {"degrees": 30, "translate": [0.2, 0.2], "scale": [0.8, 1.2], "shear": 10, "fill": [114]}),
    ("pad", {"size": [256, 320], "fill": [1, 2, 3]}),
    ("flip", {"direction": "vertical"}),
    ("rand_augment", {"num_ops": 3, "magnitude": 7, "magnitude_std": 0.0}),
    ("color_jitter", {"brightness": 0.4, "contrast": [0.5, 2.0], "hue": 0.1, "p": 0.8}),
    ("resize", {"size": [60, 80]}),
    ("resize", {"size": 60, "max_size": 100}),
    ("random_erasing", {"mode": "noise", "p": 0.3}),
    ("random_crop", {"size": [60, 80], "padding": 4, "padding_mode": "reflect"}),
    *(("operation", {"name": name, "amount": 4, "p": 0.3}) for name in ("posterize", "color", "translate_y", "rotate")),
    ("one_of", {"lists": [["flip"], [{"grayscale": {"p": 0.2}}, "gaussian_blur"], []], "weights": [1, 2, 1]}),
]


@pytest.mark.parametrize(("name", "params"), KEPT_STEPS, ids=str)
def test_a_step_comes_back_as_it_was(name: str, params: dict[str, Any]) -> None:
    steps = [{name: params}, "grayscale"]
    found = written(recipe_of(augment={"image": steps}))
    assert found.left == ()
    (drawn,) = [entry for key, entry in graph("image").inputs.items() if key == "image"]
    gave, came = (read_list(one, STEPS, ())[0] for one in (steps, (again(found).augment or {})["image"]))
    pairs = list(zip(gave, came, strict=True))
    if name == "one_of":
        assert pairs[0][0].weights is None or pairs[0][1].weights == tuple(
            one / sum(pairs[0][0].weights) for one in pairs[0][0].weights
        )
        pairs = [(pairs[0][0].model_copy(update={"weights": None}), pairs[0][1].model_copy(update={"weights": None}))]
    assert all(one.fitted(drawn) == other.fitted(drawn) for one, other in pairs)


@pytest.mark.parametrize("name", LEFT_STEPS)
def test_a_step_without_a_transform_is_named(name: str) -> None:
    found = written(recipe_of(augment={"image": ["grayscale", {name: LEFT_STEPS[name]}]}))
    assert "augment.image[1]: OpenMMLab has no transform for this step" in found.left
    kinds = [one["type"] for one in found.settings["train_dataloader"]["dataset"]["pipeline"]]
    assert kinds == ["LoadImageFromFile", "RandomGrayscale", "PackInputs"]


def test_settings_that_are_only_similar_in_mmengine_are_reported() -> None:
    (note,) = written(recipe_of(augment={"image": [{"flip": {"p": 0.4, "direction": "both"}}]})).left
    assert "at most one of the directions is drawn there, each by itself here" in note
    named = written(recipe_of(optimizer={"type": "SGD", "lr": 0.1, "no_decay": ["token"]}))
    assert named.settings["optim_wrapper"]["paramwise_cfg"]["custom_keys"] == {"token": {"decay_mult": 0.0}}


def test_views_second_images_and_hidden_patches_come_back() -> None:
    blurred = [{"random_resized_crop": {"scale": [0.2, 1.0]}}, {"gaussian_blur": {"p": 0.1}}]
    plain = [{"random_resized_crop": {"scale": [0.2, 1.0]}}]
    for views in ({"view_1": plain, "view_2": plain}, {"view_1": blurred, "view_2": plain}):
        drawn = graph("view_1", "view_2")
        found = written(recipe_of(augment=views), drawn)
        assert found.left == () and again(found, drawn).augment == views
    twice = {
        "image": ["flip", {"random_resized_crop": {"interpolation": "bicubic"}}],
        "target_image": [{"same_as": {"input": "image", "interpolation": "lanczos"}}],
        "mask": [{"block": {"count": 75, "min_block": 16}}],
    }
    drawn = graph("image", "target_image", mask=True)
    found = written(recipe_of(augment=twice), drawn)
    assert again(found, drawn).augment == twice and found.left == ()
    hidden = {"image": ["flip"], "mask": [{"random": {"ratio": 0.6, "unit": 2}}]}
    drawn = graph("image", mask=True)
    assert again(written(recipe_of(augment=hidden), drawn), drawn).augment == hidden


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"policy": {"backbone": {"freeze": True}}}, "policy.backbone.freeze"),
        ({"policy": {"neck": {"layer_decay": 0.7}}}, "policy.neck.layer_decay"),
        ({"data": {**DATA, "limit": 100}}, "data.limit"),
        ({"data": {**DATA, "bad": "skip"}}, "data.bad"),
        ({"data": {**DATA, "columns": {"label": "kind"}}}, "data.columns.label"),
        ({"data": {"train": DATA["train"]}}, "data.hold_back"),
        ({"data": {"train": {"path": "x.csv", "format": "csv"}}}, "data.train"),
        ({"compile": True}, "compile"),
        ({"channels_last": True}, "channels_last"),
        ({"statistics": {"every": "10 steps"}}, "statistics.every"),
        ({"distributed": {"strategy": "fsdp"}}, "distributed.strategy"),
        ({"log": ["tensorboard"]}, "log"),
        ({"weights": "w.safetensors"}, "weights"),
        ({"evaluation": {"metrics": ["accuracy", "knn"]}}, "evaluation.metrics"),
        ({"evaluation": {"best": "mean_iou"}}, "evaluation.best"),
        ({"evaluation": {"every": "7 steps"}}, "evaluation.every"),
        ({"checkpoints": {"every": "7 steps"}}, "checkpoints.every"),
        ({"clip": {"norm": 1.0, "value": 1.0}}, "clip.value"),
        ({"optimizer": {"type": "ASGD", "lr": 0.1}}, "optimizer"),
        ({"optimizer": {"type": "SGD", "lr": 0.1, "maximize": True}}, "optimizer.maximize"),
    ],
    ids=str,
)
def test_recipe_keys_without_a_counterpart_are_named(changes: dict[str, Any], key: str) -> None:
    assert written(recipe_of()).left == ()
    left = written(recipe_of(**changes)).left
    assert any(line.startswith(key) for line in left), left


def test_node_policies_become_custom_keys_and_differences_to_mmengine_are_reported() -> None:
    drawn = read(ROOT / "saved_graphs" / "classification" / "resnet18.yaml")
    recipe = recipe_of(policy={"backbone": {"lr": 0.1}, "backbone.layer4": {"lr": 0.5, "decay": 0.5}})
    model = whole_config_from_graph(drawn, catalog=CATALOG)["model"]
    found = config_from_recipe(recipe, drawn, model, "mmpretrain", catalog=CATALOG)
    keys = {"backbone": {"lr_mult": 0.1}, "backbone.layer4": {"lr_mult": 0.5, "decay_mult": 0.5}}
    assert found.settings["optim_wrapper"]["paramwise_cfg"]["custom_keys"] == keys
    (note,) = found.left
    assert "parameters decay there and not here" in note and "mmengine#846" in note


def ran(*arguments: Any, code: int = 0) -> str:
    result = CliRunner().invoke(app, [*map(str, arguments)])
    assert result.exit_code == code, result.output
    return result.output


def test_the_command_writes_a_config_that_gives_the_same_recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = "resnet18_cifar.yaml"
    Path(name).write_bytes((ROOT / "saved_graphs" / "classification" / name).read_bytes())
    recipe = recipe_of(graph=name, policy={"backbone": {"lr": 0.1}}, statistics={"every": "9 steps"})
    write_recipe(recipe, "mine.yaml")
    note = ran("export", "mine.yaml", "--to", "openmmlab")
    assert "mine.py: ImageClassifier" in note and "trained on one GPU with batches of 64" in note
    assert "otherwise: statistics.every: '9 steps' has no counterpart" in note
    ran("import", "mine.py", "-o", "back.yaml")
    back = read_recipe("back.recipe.yaml")
    assert back.optimizer == recipe.optimizer and back.policy == recipe.policy and back.schedule == recipe.schedule
    assert (back.augment, back.epochs, back.batches.batch) == (recipe.augment, 20, 64)
    assert back.data.train == recipe.data.train and back.data.val == recipe.data.val
    run = RunFolder.create("run", recipe, read(name))
    run.close()
    assert "run.py: ImageClassifier" in ran("export", "run", "--to", "openmmlab")
    assert "optim_wrapper" in Path("run.py").read_text()
    alone = ran("export", name, "--to", "openmmlab")
    assert "trained" not in alone and "optim_wrapper" not in Path("resnet18_cifar.py").read_text()
