"""The training of a config becomes a recipe, and what a recipe does not hold is reported."""

import textwrap
from pathlib import Path

import pytest
from typer.testing import CliRunner

from composer.cli.app import app
from composer.graph import Graph
from composer.openmmlab.config_file import read_config
from composer.openmmlab.recipes import has_training, import_recipe
from composer.training.recipe import Recipe, Span, dumps_recipe, loads_recipe, read_recipe

MODEL = """
model = dict(
    type='ImageClassifier',
    backbone=dict(type='ResNet', depth=18),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=10, in_channels=512))
"""
NEWER = """
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=0.0001))
param_scheduler = dict(type='MultiStepLR', by_epoch=True, milestones=[30, 60, 90], gamma=0.1)
train_cfg = dict(by_epoch=True, max_epochs=100, val_interval=1)
train_dataloader = dict(
    batch_size=32, num_workers=5, sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='ImageNet', data_root='data/imagenet', split='train'))
val_dataloader = dict(
    batch_size=32, num_workers=5, sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='ImageNet', data_root='data/imagenet', split='val'))
auto_scale_lr = dict(base_batch_size=256)
default_hooks = dict(
    logger=dict(type='LoggerHook', interval=100), checkpoint=dict(type='CheckpointHook', interval=1, max_keep_ckpts=3))
randomness = dict(seed=7, deterministic=False)
"""
OLDER = """
optimizer = dict(type='SGD', lr=0.02, momentum=0.9, weight_decay=0.0001)
optimizer_config = dict(grad_clip=dict(max_norm=35, norm_type=2))
lr_config = dict(policy='step', warmup='linear', warmup_iters=500, warmup_ratio=0.001, step=[8, 11])
runner = dict(type='EpochBasedRunner', max_epochs=12)
checkpoint_config = dict(interval=1)
evaluation = dict(interval=2, metric='bbox')
fp16 = dict(loss_scale=512.)
data = dict(
    samples_per_gpu=2, workers_per_gpu=2,
    train=dict(type='CocoDataset', ann_file='data/coco/train.json', img_prefix='data/coco/train2017/'),
    val=dict(type='CocoDataset', ann_file='data/coco/val.json', img_prefix='data/coco/val2017/'))
"""


class Imported:
    """A recipe made of the text of a config, and what was reported."""

    def __init__(self, folder: Path, text: str, name: str = "config.py", **options) -> None:
        path = folder / name
        path.write_text(MODEL + textwrap.dedent(text))
        found = import_recipe(read_config(path), Graph(), **options)
        self.recipe: Recipe = found.recipe
        self.left = {note.where.subject: note.message for note in found.notes if note.severity == "warning"}
        self.meant = {note.where.subject: note.message for note in found.notes if note.severity == "notice"}
        self.beside = found.beside
        assert loads_recipe(dumps_recipe(self.recipe)) == self.recipe


@pytest.fixture
def imported(tmp_path):
    return lambda text, *names, **options: Imported(tmp_path, text, *names, **options)


def test_a_config_of_mmengine_becomes_a_recipe(imported):
    found = imported(NEWER)
    recipe = found.recipe
    assert recipe.optimizer is not None and recipe.schedule is not None
    assert (recipe.optimizer.type, recipe.optimizer.lr, recipe.optimizer.weight_decay) == ("SGD", 0.1, 0.0001)
    assert recipe.optimizer.options == {"momentum": 0.9}
    assert recipe.schedule.type == "step" and recipe.schedule.at == [Span(n, "epochs") for n in (30, 60, 90)]
    assert (recipe.epochs, recipe.steps, recipe.seed, recipe.checkpoints.keep) == (100, None, 7, 3)
    assert (recipe.data.train.path, recipe.data.train.format) == ("data/imagenet/train", "folder")
    assert recipe.data.val is not None and recipe.data.val.path == "data/imagenet/val"
    assert found.left == {}
    assert {"default_hooks.logger", "train_dataloader.num_workers"} <= set(found.beside)


def test_a_config_of_mmcv_1_becomes_a_recipe(imported):
    found = imported(OLDER)
    recipe = found.recipe
    assert recipe.optimizer is not None and recipe.schedule is not None and recipe.data.val is not None
    assert (recipe.optimizer.lr, recipe.clip.norm, recipe.precision) == (0.02, 35, "fp16")
    assert recipe.schedule.at == [Span(8, "epochs"), Span(11, "epochs")]
    assert (recipe.schedule.warmup, recipe.schedule.warmup_start) == (Span(500, "steps"), 0.001)
    assert (recipe.epochs, recipe.evaluation.every) == (12, Span(2, "epochs"))
    assert recipe.data.train.path == "data/coco/train.json"
    assert recipe.data.val.options == {"images": "data/coco/val2017"}
    assert recipe.data.train.options == {"images": "data/coco/train2017"}
    assert list(found.left) == ["fp16.loss_scale"]


def test_all_parameters_decay_as_in_mmengine_by_default(imported):
    optimizer = imported(NEWER).recipe.optimizer
    assert optimizer is not None and (optimizer.norm_decay_mult, optimizer.bias_decay_mult) == (1, 1)


@pytest.mark.parametrize(
    ("text", "name", "gpus", "size"),
    [
        ("auto_scale_lr = dict(base_batch_size=128)", "r18_8xb32.py", None, 128),
        ("auto_scale_lr = dict(base_batch_size=100)", "r18_16xb32_in1k.py", None, 512),
        ("auto_scale_lr = None", "r18_16xb32_in1k.py", None, 512),
        ("auto_scale_lr = None", "r18_b32x4_imagenet.py", None, 128),
        ("auto_scale_lr = None", "r18_16xb64_in1k.py", None, 256),  # another share of each: the name is of its base
        ("auto_scale_lr = None", "mine.py", None, 256),
        ("auto_scale_lr = None", "r18_16xb32_in1k.py", 2, 64),
        ("optim_wrapper.update(accumulative_counts=4)", "mine.py", None, 1024),
    ],
)
def test_the_batch_is_that_of_all_gpus(imported, text, name, gpus, size):
    found = imported(NEWER + text, name, gpus=gpus)
    assert found.recipe.batches.batch == size
    assert f" {size}" in found.meant["train_dataloader.batch_size"]


def test_auto_scale_lr_scales_the_learning_rate_by_the_batch(imported):
    found = imported(NEWER + "auto_scale_lr = dict(base_batch_size=256, enable=True)", gpus=2)
    assert found.recipe.optimizer.lr == pytest.approx(0.1 * 64 / 256)
    result = imported(NEWER + "auto_scale_lr = dict(base_batch_size=256)", gpus=2)
    assert result.recipe.optimizer.lr == 0.1 and "for a batch of 256" in result.left["auto_scale_lr"]


@pytest.mark.parametrize(
    ("scheduler", "expected"),
    [
        (
            """[dict(type='LinearLR', start_factor=0.01, by_epoch=False, end=500),
            dict(type='CosineAnnealingLR', eta_min=0.001, by_epoch=True, begin=5)]""",
            {"type": "cosine", "warmup": "500 steps", "warmup_start": 0.01, "end": 0.01, "hold": "5 epochs"},
        ),
        (
            """[dict(type='LinearLR', start_factor=0.01, by_epoch=True, end=5, convert_to_iter_based=True),
            dict(type='CosineAnnealingLR', T_max=50, by_epoch=True, begin=50, end=100)]""",
            {"type": "cosine", "warmup": "5 epochs", "warmup_start": 0.01, "hold": "45 epochs"},
        ),
        (
            """[dict(type='LinearLR', start_factor=1e-4, by_epoch=True, end=5, convert_to_iter_based=True),
            dict(type='CosineAnnealingLR', T_max=95, by_epoch=True, begin=5, end=100)]""",
            {"type": "cosine", "warmup": "5 epochs", "warmup_start": 0.0001},
        ),
        (
            """[dict(type='QuadraticWarmupLR', by_epoch=True, end=5, convert_to_iter_based=True),
            dict(type='CosineAnnealingLR', eta_min=0.005, T_max=85, begin=5, end=85, by_epoch=True),
            dict(type='ConstantLR', by_epoch=True, factor=1, begin=85, end=100)]""",
            {"type": "cosine", "warmup": "5 epochs", "warmup_start": 0.0, "end": 0.05, "cooldown": "15 epochs"},
        ),
        ("dict(type='StepLR', step_size=2, gamma=0.9)", {"type": "step", "every": "2 epochs", "gamma": 0.9}),
        ("dict(type='ExponentialLR', gamma=0.9)", {"type": "step", "every": "1 epoch", "gamma": 0.9}),
        ("dict(type='PolyLR', power=0.9, eta_min=0.0)", {"type": "poly", "power": 0.9}),
        (
            "dict(type='OneCycleLR', eta_max=0.4, total_steps=10, pct_start=0.25, div_factor=20, final_div_factor=10)",
            {"type": "one_cycle", "warmup": "25%", "warmup_start": 0.05, "end": 0.005},
        ),
    ],
)
def test_schedulers_are_one_schedule(imported, scheduler, expected):
    found = imported(NEWER + f"param_scheduler = {scheduler}")
    assert found.recipe.schedule is not None
    assert found.recipe.schedule.model_dump(mode="json", exclude_defaults=True) == {
        key: value for key, value in expected.items() if key != "type" or value != "cosine"
    }
    assert found.left == {}


def test_the_peak_of_one_cycle_is_the_learning_rate(imported):
    assert imported(NEWER + "param_scheduler = dict(type='OneCycleLR', eta_max=0.4)").recipe.optimizer.lr == 0.4


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("policy='CosineAnnealing', min_lr=0.002", {"end": 0.1}),
        ("policy='CosineAnnealing', min_lr_ratio=1e-2", {"end": 0.01}),
        (
            "policy='YOLOX', warmup='exp', by_epoch=False, warmup_by_epoch=True, warmup_ratio=1, warmup_iters=5, "
            "num_last_epochs=15, min_lr_ratio=0.05",
            {"end": 0.05, "cooldown": "15 epochs", "warmup": "5 epochs", "warmup_start": 1.0},
        ),
        ("policy='step', step=3, gamma=0.5", {"type": "step", "every": "3 epochs", "gamma": 0.5}),
        ("policy='fixed'", {"type": "constant"}),
        ("policy='poly', power=0.9, min_lr=0, by_epoch=False", {"type": "poly", "power": 0.9}),
    ],
)
def test_a_policy_of_mmcv_1_is_a_schedule(imported, policy, expected):
    found = imported(OLDER + f"lr_config = dict({policy})")
    assert found.recipe.schedule is not None
    assert found.recipe.schedule.model_dump(mode="json", exclude_defaults=True) == expected


def test_a_repeated_data_set_makes_longer_epochs(imported):
    text = """
    train_dataloader.update(dataset=dict(
        type='RepeatDataset', times=3, dataset=dict(type='ImageNet', data_root='data/imagenet', split='train')))
    """
    recipe = imported(NEWER + textwrap.dedent(text)).recipe
    assert recipe.epochs == 300 and recipe.evaluation.every == Span(3, "epochs")
    assert recipe.schedule is not None and recipe.schedule.at[0] == Span(90, "epochs")


def test_iterations_of_an_accumulated_batch_are_parts_of_a_step(imported):
    text = """
    optim_wrapper.update(accumulative_counts=4)
    train_cfg = dict(type='IterBasedTrainLoop', max_iters=4000, val_interval=400)
    param_scheduler = dict(type='MultiStepLR', by_epoch=False, milestones=[2000], gamma=0.1)
    """
    recipe = imported(NEWER + textwrap.dedent(text)).recipe
    assert (recipe.epochs, recipe.steps, recipe.batches.accumulate) == (None, 1000, 4)
    assert recipe.evaluation.every == Span(100, "steps")
    assert recipe.schedule is not None and recipe.schedule.at == [Span(500, "steps")]


def test_the_ema_decay_is_one_minus_the_momentum_of_the_hook(imported):
    recipe = imported(NEWER + "custom_hooks = [dict(type='EMAHook', momentum=1e-4, priority='ABOVE_NORMAL')]").recipe
    assert recipe.ema is not None and recipe.ema.decay == 0.9999 and not recipe.ema.warmup
    text = "custom_hooks = [dict(type='EMAHook', ema_type='ExpMomentumEMA', momentum=0.0002, update_buffers=True)]"
    assert imported(NEWER + text).recipe.ema.warmup


@pytest.mark.parametrize(
    ("text", "place", "named"),
    [
        ("optim_wrapper['optimizer'].update(surprise=1)", "optim_wrapper.optimizer.surprise", "no such setting: 1"),
        ("optim_wrapper.update(type='ApexOptimWrapper')", "optim_wrapper", "ApexOptimWrapper"),
        ("optim_wrapper.update(optimizer=dict(type='Lion', lr=0.005))", "optim_wrapper.optimizer", "Lion"),
        ("optim_wrapper.update(constructor='MyConstructor')", "optim_wrapper.constructor", "MyConstructor"),
        ("optim_wrapper.update(clip_grad=dict(max_norm=1, norm_type=1))", "optim_wrapper.clip_grad.norm_type", "1"),
        ("param_scheduler.update(milestones='soon')", "param_scheduler.0.milestones", "'soon'"),
        ("param_scheduler = dict(type='CosineAnnealingMomentum')", "param_scheduler.0", "CosineAnnealingMomentum"),
        ("param_scheduler = dict(type='ReduceOnPlateauLR')", "param_scheduler.0", "ReduceOnPlateauLR"),
        ("train_cfg.update(max_epochs='many')", "train_cfg.max_epochs", "'many'"),
        ("train_cfg.update(dynamic_intervals=[(90, 1)])", "train_cfg.dynamic_intervals", "one interval"),
        ("train_dataloader['sampler'] = dict(type='MySampler')", "train_dataloader.sampler", "MySampler"),
        ("train_dataloader['dataset']['type'] = 'MyDataset'", "train_dataloader.dataset", "MyDataset"),
        ("custom_hooks = [dict(type='MyHook', every=3)]", "custom_hooks.0", "MyHook"),
        ("param_scheduler.update(milestones=[1e400])", "param_scheduler.0.milestones", "inf"),
        ("optim_wrapper['optimizer'].update(momentum='much')", "optim_wrapper.optimizer.momentum", "'much'"),
        ("randomness.update(seed=10**30)", "randomness.seed", "whole number"),
        ("custom_hooks = 5", "custom_hooks", "expected a list of dicts"),
        ("custom_hooks = ['MyHook']", "custom_hooks.0", "expected a dict"),
        ("load_from = 'r18.pth'", "load_from", "r18.pth"),
    ],
)
def test_training_settings_without_a_recipe_key_are_reported_at_their_place(imported, text, place, named):
    found = imported(NEWER + text)
    assert named in found.left[place]


def test_data_sets_are_splits(imported):
    text = """
    train_dataloader['dataset'] = dict(
        type='CocoDataset', data_root='data/coco/', ann_file='train.json', data_prefix=dict(img='train2017/'),
        metainfo=dict(classes=('cat', 'dog')), filter_cfg=dict(filter_empty_gt=True))
    val_dataloader['dataset'] = dict(
        type='VOCDataset', data_root='data/VOCdevkit/', ann_file='VOC2007/ImageSets/Main/test.txt',
        data_prefix=dict(sub_data_root='VOC2007/'))
    """
    found = imported(NEWER + textwrap.dedent(text))
    assert found.left == {} and found.recipe.data.val is not None
    train, val = found.recipe.data.train, found.recipe.data.val
    options = {"images": "data/coco/train2017", "empty": "drop", "classes": ["cat", "dog"], "others": "drop"}
    assert (train.path, train.format, train.options) == ("data/coco/train.json", "coco", options)
    assert (val.path, val.format, val.options) == ("data/VOCdevkit/VOC2007", "voc", {"split": "test"})


def test_pickles_of_cifar_are_not_read(imported):
    text = "train_dataloader['dataset'] = dict(type='CIFAR10', data_root='data/cifar10', split='train')"
    found = imported(NEWER + text)
    assert "pickles" in found.left["train_dataloader.dataset"] and found.recipe.data.train.path == "data/cifar10/train"


@pytest.mark.parametrize(
    ("written", "name"), [("accuracy/top1", "accuracy"), ("coco/bbox_mAP", "box_ap"), ("auto", None), ("mine", None)]
)
def test_save_best_becomes_the_best_metric_of_the_evaluation(imported, written, name):
    text = f"default_hooks['checkpoint'].update(save_best='{written}', rule='greater')"
    found = imported(NEWER + text)
    assert (found.recipe.evaluation.best, found.recipe.evaluation.mode) == (name, "max" if name else None)
    assert bool(found.left) == (written == "mine")


def test_a_model_alone_has_no_training(tmp_path):
    (tmp_path / "model.py").write_text(MODEL)
    assert not has_training(read_config(tmp_path / "model.py"))
    (tmp_path / "whole.py").write_text(MODEL + NEWER)
    assert has_training(read_config(tmp_path / "whole.py"))


def run(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


def test_the_command_writes_the_recipe_beside_the_graph(tmp_path):
    config = tmp_path / "r18_8xb32.py"
    config.write_text(MODEL + NEWER + "custom_hooks = [dict(type='MyHook')]")
    result = run("import", config, "-o", tmp_path / "r18.yaml")
    assert result.exit_code == 0, result.output
    assert "r18.recipe.yaml" in result.stdout and "MyHook" in result.stderr
    recipe = read_recipe(tmp_path / "r18.recipe.yaml")
    assert (recipe.graph, recipe.batches.batch) == ("r18.yaml", 256)


def test_a_recipe_that_is_there_is_not_replaced_unless_it_is_named(tmp_path):
    config, graph, there = tmp_path / "c.py", tmp_path / "g.yaml", tmp_path / "g.recipe.yaml"
    config.write_text(MODEL + NEWER)
    there.write_text("mine")
    refused = run("import", config, "-o", graph)
    assert refused.exit_code == 2 and "--no-recipe" in refused.stderr and not graph.exists()
    assert run("import", config, "-o", graph, "--no-recipe").exit_code == 0 and there.read_text() == "mine"
    (tmp_path / "recipes").mkdir()
    assert run("import", config, "-o", graph, "--recipe", tmp_path / "recipes" / "r.yaml").exit_code == 0
    assert read_recipe(tmp_path / "recipes" / "r.yaml").graph == "../g.yaml"
    assert run("import", config, "-o", graph, "--recipe", there).exit_code == 0 and read_recipe(there).epochs == 100


def test_a_config_without_training_has_no_recipe(tmp_path):
    (tmp_path / "c.py").write_text(MODEL)
    assert run("import", tmp_path / "c.py", "-o", tmp_path / "g.yaml").exit_code == 0
    assert not (tmp_path / "g.recipe.yaml").exists()
    named = run("import", tmp_path / "c.py", "-o", tmp_path / "g.yaml", "--recipe", tmp_path / "r.yaml")
    assert named.exit_code == 2 and "says nothing of training" in named.stderr
