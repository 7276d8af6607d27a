"""Metrics count what they say, the same over several processes, and are refused where a graph cannot give them."""

import math
import random
import sys
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from torch import distributed as dist
from torch import multiprocessing

import composer
from composer.catalog import Catalog
from composer.problems import GraphError
from composer.run.geometry import Frame
from composer.training import metrics
from composer.training.data import ArraySource
from composer.training.metrics import (
    Accuracy,
    BoxPrecision,
    MeanIoU,
    MeanLoss,
    MultiLabel,
    NearestNeighbours,
    Retrieval,
    default_metrics,
    metrics_for,
)


@dataclass
class Seen:
    samples: dict
    indices: list
    names: list = field(default_factory=list)
    frames: list = field(default_factory=list)

    def __post_init__(self):
        self.names = self.names or [f"{index}.png" for index in self.indices]


class Rows:
    """Samples with some columns."""

    def __init__(self, columns, classes=(), **rows):
        self.columns, self.classes, self.rows = columns, classes, rows

    def __len__(self):
        return len(next(iter(self.rows.values())))

    def __getitem__(self, index):
        return {name: values[index] for name, values in self.rows.items()}


def in_parts(metric, outputs, samples, parts, count):
    """A metric that saw the samples in some batches, dealt out over two processes."""
    metric.reset()
    states = []
    for rank in range(2):
        metric.reset()
        for indices in torch.arange(count).split(-(-count // parts))[rank::2]:
            cut = {name: value[indices] for name, value in outputs.items()}
            metric.update(cut, Seen({name: value[indices] for name, value in samples.items()}, indices.tolist()))
        states.append(metric.state())
    metric.merge(states)
    return metric


def random_classes(count=200, classes=7, seed=0):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.rand(count, classes, generator=generator)
    return scores, torch.randint(classes, (count,), generator=generator)


def test_accuracy_is_the_share_of_right_answers_in_any_parts():
    scores, labels = random_classes()
    outputs = {"scores": scores, "labels": scores.argmax(dim=1)}
    expected = {
        "accuracy": float((scores.argmax(dim=1) == labels).float().mean()),
        "top_3": float((scores.topk(3).indices == labels[:, None]).any(dim=1).float().mean()),
    }
    whole = in_parts(Accuracy(top=[3]), outputs, {"label": labels}, 1, 200)
    assert whole.value() | expected == pytest.approx(whole.value())
    for parts in (2, 5, 200):
        again = in_parts(Accuracy(top=[3]), outputs, {"label": labels}, parts, 200)
        assert again.value() == whole.value() and again.details() == whole.details()


def test_the_confusion_matrix_has_right_classes_in_rows_and_answers_in_columns():
    metric = Accuracy(names=["cat", "dog"])
    metric.update({"labels": torch.tensor([0, 1, 1, 1])}, Seen({"label": torch.tensor([0, 0, 1, 1])}, [0, 1, 2, 3]))
    details = metric.details()
    assert details["confusion"] == [[1, 1], [0, 2]]
    assert details["classes"][0] == {"name": "cat", "precision": 1.0, "recall": 0.5, "count": 2}
    assert metric.value() == {"accuracy": 0.75, "mean_class_accuracy": 0.75}
    assert [row["name"] for row in details["wrong"]] == ["1.png"]


def test_labels_and_answers_outside_the_classes_are_wrong_and_unknown_labels_do_not_count():
    metric = Accuracy(names=["cat", "dog", "owl"])
    metric.update(
        {"labels": torch.tensor([2, 9, -1, 2, 1])}, Seen({"label": torch.tensor([7, 9, 2, 2, -1])}, [*range(5)])
    )
    assert metric.value()["accuracy"] == 0.25
    assert metric.details()["classes"][2] == {"name": "owl", "precision": 0.5, "recall": 0.5, "count": 2}


def test_many_classes_are_counted_without_a_confusion_matrix():
    labels = torch.tensor([1500, 3, 3])
    metric = Accuracy(names=[str(index) for index in range(2000)])
    metric.update({"labels": torch.tensor([1500, 3, 4])}, Seen({"label": labels}, [0, 1, 2]))
    assert metric.value() == pytest.approx({"accuracy": 2 / 3, "mean_class_accuracy": 0.75})
    assert "confusion" not in metric.details() and metric.details()["classes"][3]["recall"] == 0.5


def test_one_score_separates_two_classes_and_soft_labels_count_as_their_largest():
    metric = Accuracy(top=[1])
    outputs = {"scores": torch.tensor([[0.9], [0.2]]), "labels": torch.tensor([1, 0])}
    metric.update(outputs, Seen({"label": torch.tensor([[0.1, 0.9], [0.4, 0.6]])}, [0, 1]))
    assert metric.value()["accuracy"] == metric.value()["top_1"] == 0.5


def test_a_metric_without_samples_is_nan():
    for metric in (Accuracy(top=[5]), MultiLabel(), MeanIoU("seg"), MeanLoss()):
        assert all(math.isnan(value) for value in metric.value().values())
        metric.merge([metric.state(), metric.state()])
        assert metric.value().keys() == metric.value().keys()


def test_average_precision_of_several_classes_at_once():
    scores = torch.tensor([[0.9, 0.1], [0.8, 0.7], [0.7, 0.6]])
    wanted = torch.tensor([[1, 0], [0, 1], [1, -1]])
    metric = in_parts(MultiLabel(), {"scores": scores}, {"label": wanted}, 3, 3)
    assert metric.value()["map"] == pytest.approx(((1 + 2 / 3) / 2 + 1) / 2)
    assert metric.value()["f1"] == pytest.approx(2 * 3 / (4 + 3))


def test_mean_iou_counts_pixels_of_all_images_and_leaves_out_what_is_ignored():
    drawn = torch.tensor([[[0, 0], [1, 255]], [[1, 1], [0, 0]]])
    answers = torch.tensor([[[0, 1], [1, 1]], [[1, 1], [0, 0]]])
    metric = in_parts(MeanIoU("seg"), {"labels": answers}, {"seg": drawn}, 2, 2)
    assert metric.value()["mean_iou"] == pytest.approx((3 / 4 + 3 / 4) / 2)
    assert metric.value()["pixel_accuracy"] == pytest.approx(6 / 7)
    assert metric.details()["confusion"] == [[3, 1], [0, 3]]


def test_mean_iou_takes_scores_of_another_size():
    metric = MeanIoU("seg", names=["sky", "sea", "sand"])
    scores = torch.zeros(1, 3, 2, 2)
    scores[:, 1] = 1
    metric.update({"logits": scores}, Seen({"seg": torch.ones(1, 4, 4)}, [0]))
    assert metric.value()["mean_iou"] == 1


def test_losses_are_means_over_samples():
    metric = MeanLoss()
    metric.update({"loss": torch.tensor(1.0), "acc": torch.tensor(0.5)}, Seen({}, [0, 1, 2]))
    metric.update({"loss": torch.tensor(3.0), "acc": torch.tensor(0.1)}, Seen({}, [3]))
    assert metric.value() == pytest.approx({"val_loss": 1.5, "val_acc": 0.4})
    several = MeanLoss()
    several.update({"loss_cls": torch.tensor(1.0), "loss_box": torch.tensor(2.0)}, Seen({}, [0]))
    assert several.value() == {"val_loss": 3.0, "val_loss_cls": 1.0, "val_loss_box": 2.0}


def test_nearest_neighbours_vote():
    train = Rows({"label": "Label"}, label=[0, 0, 1])
    val = Rows({"label": "Label"}, label=[0, 1, 1])
    metric = NearestNeighbours(val, train, k=1)
    metric.refer({"features": torch.tensor([[1.0, 0.1], [1.0, 0.2], [0.0, 3.0]])}, Seen({}, [0, 1, 2]))
    metric.update({"features": torch.tensor([[9.0, 0.0], [0.1, 1.0], [1.0, 0.0]])}, Seen({}, [0, 1, 2]))
    assert metric.value() == {"knn": pytest.approx(2 / 3)}
    metric.k = 3
    assert metric.value() == {"knn": pytest.approx(1 / 3)}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (torch.ones(2, 3, 4, 4), 3),
        (torch.ones(2, 17, 5), 5),
        ([torch.ones(2, 2, 9, 9), torch.ones(2, 6, 1, 1)], 6),
        (torch.ones(2, 8), 8),
    ],
)
def test_an_embedding_is_one_vector_of_length_one_a_sample(value, expected):
    found = metrics.embedding({"ids": torch.zeros(2, dtype=torch.long), "features": value})
    assert found.shape == (2, expected) and found.norm(dim=1).tolist() == pytest.approx([1, 1])


def test_the_class_token_in_front_of_a_square_of_tokens_is_left_out():
    tokens = torch.zeros(1, 5, 2)
    tokens[:, 0, 0], tokens[:, 1:, 1] = 9, 1
    assert metrics.embedding({"features": tokens}).tolist() == [[0, 1]]


def test_retrieval_ranks_the_others():
    rows = Rows({"label": "Label"}, label=[0, 0, 1, 1, 2])
    vectors = torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.8, 0.3], [0.0, 1.0], [0.1, 1.0]])
    metric = Retrieval(rows, top=(1, 3))
    metric.update({"features": vectors[:2]}, Seen({}, [0, 1]))
    first = metric.state()
    metric.reset()
    metric.update({"features": vectors[2:]}, Seen({}, [2, 3, 4]))
    metric.merge([metric.state(), first])
    value = metric.value()
    assert value == {"recall_at_1": 2 / 4, "recall_at_3": 3 / 4, "map": pytest.approx((1 + 1 + 1 / 4 + 1 / 2) / 4)}


# Detection: held against pycocotools.


def scene(seed=0, images=12, masks=False):
    """Images with objects, and what a detector made of them, in an input of twice the size, for masks of the same."""
    scale = 1 if masks else 2
    draw = np.random.RandomState(seed)
    truth, answers, frames = [], [], []
    for _ in range(images):
        count = draw.randint(0, 6)
        corner, size = draw.uniform(0, 150, (count, 2)), draw.uniform(5, 120, (count, 2))
        boxes = np.concatenate([corner, np.minimum(corner + size, 200)], axis=1).astype(np.float32)
        labels = draw.randint(0, 3, count)
        aside = boxes[: count // 3]
        sample = {
            "boxes": boxes[count // 3 :],
            "box_labels": labels[count // 3 :],
            "ignored_boxes": aside,
            "ignored_labels": labels[: count // 3],
        }
        found = np.concatenate([boxes + draw.normal(0, 6, boxes.shape), draw.uniform(0, 90, (4, 4)).cumsum(axis=1)])
        found = np.clip(found, 0, 200)
        guessed = np.concatenate([np.where(draw.rand(count) < 0.8, labels, 1), draw.randint(0, 3, 4)])
        answer = {
            "boxes": torch.tensor(found).float() * scale,
            "scores": torch.tensor(draw.rand(count + 4)).float(),
            "labels": torch.tensor(guessed),
        }
        if masks:
            sample["masks"] = [inside(box) for box in sample["boxes"]]
            sample["ignored_masks"] = [inside(box) for box in aside]
            answer["masks"] = torch.stack([torch.tensor(inside(box)) for box in found])
        truth.append(sample)
        answers.append(answer)
        size = (200 * scale, 200 * scale)
        frames.append(Frame((200, 200), size, size, (scale, scale), (0.0, 0.0)))
    columns = {"boxes": "Boxes", "box_labels": "BoxLabels"} | ({"masks": "InstanceMasks"} if masks else {})
    rows = Rows(columns, ("a", "b", "c"), sample=truth)
    rows.__class__ = type("Objects", (Rows,), {"__getitem__": lambda self, index: truth[index]})
    return rows, answers, frames


def inside(box):
    left, top, right, bottom = (round(float(value)) for value in box)
    mask = np.zeros((200, 200), bool)
    mask[top:bottom, left:right] = True
    return mask


def by_pycocotools(rows, answers, frames, kind):
    coco = pytest.importorskip("pycocotools.coco")
    cocoeval, codec = pytest.importorskip("pycocotools.cocoeval"), pytest.importorskip("pycocotools.mask")
    objects, found = [], []
    for index, answer in enumerate(answers):
        sample = rows[index]
        for prefix, crowd in (("", 0), ("ignored_", 1)):
            labels = sample["ignored_labels" if crowd else "box_labels"]
            for place, box in enumerate(sample[f"{prefix}boxes"]):
                left, top, right, bottom = map(float, box)
                one = {"id": len(objects) + 1, "image_id": index, "category_id": int(labels[place]), "iscrowd": crowd}
                one |= {"bbox": [left, top, right - left, bottom - top], "area": (right - left) * (bottom - top)}
                if kind == "segm":
                    one["segmentation"] = codec.encode(
                        np.asfortranarray(sample[f"{prefix}masks"][place].astype(np.uint8))
                    )
                objects.append(one)
        for place in range(len(answer["boxes"])):
            left, top, right, bottom = frames[index].in_image(answer["boxes"][place].tolist())
            one = {
                "image_id": index,
                "category_id": int(answer["labels"][place]),
                "score": float(answer["scores"][place]),
            }
            if kind == "segm":
                mask = answer["masks"][place].numpy().astype(np.uint8)
                one["segmentation"] = codec.encode(np.asfortranarray(mask))
            else:
                one["bbox"] = [left, top, right - left, bottom - top]
            found.append(one)
    truth = coco.COCO()
    images = [{"id": index, "height": 200, "width": 200} for index in range(len(answers))]
    truth.dataset = {"images": images, "annotations": objects, "categories": [{"id": index} for index in range(3)]}
    truth.createIndex()
    run = cocoeval.COCOeval(truth, truth.loadRes(found), kind)
    run.evaluate(), run.accumulate(), run.summarize()
    return run.stats


GRAPH = composer.read("saved_graphs/detection/digits.yaml")


def test_box_precision_is_that_of_pycocotools_over_two_processes():
    pytest.importorskip("faster_coco_eval")
    rows, answers, frames = scene()
    expected = by_pycocotools(rows, answers, frames, "bbox")
    metric, states = BoxPrecision(GRAPH, rows), []
    for part in (slice(0, 12, 2), slice(1, 12, 2)):
        metric.reset()
        indices = list(range(12))[part]
        metric.update({"detections": answers[part]}, Seen({}, indices, frames=frames[part]))
        states.append(metric.state())
    metric.merge(states)
    value = metric.value()
    assert [value["box_ap"], value["box_ap50"], value["box_ar"]] == pytest.approx(
        expected[[0, 1, 8]].tolist(), abs=1e-6
    )
    assert 0.1 < value["box_ap"] < 0.9
    details = metric.details()["box"]
    assert [one["name"] for one in details["classes"]] == ["a", "b", "c"] and len(details["recall_precision"]) == 101
    faults = metric.details()["faults"]
    assert {row["name"] for row in faults["missed"]} <= {f"{index}.png" for index in range(12)} and faults["missed"]
    assert all(0 <= side <= 1 for row in faults["missed"] for one in row["objects"] for side in one["box"])


def test_mask_precision_is_that_of_pycocotools():
    pytest.importorskip("faster_coco_eval")
    rows, answers, frames = scene(seed=1, masks=True)
    expected = by_pycocotools(rows, answers, frames, "segm")
    metric = BoxPrecision(GRAPH, rows, ["box", "mask"])
    metric.update({"detections": answers}, Seen({}, list(range(12)), frames=frames))
    value = metric.value()
    assert [value["mask_ap"], value["mask_ap50"]] == pytest.approx(expected[:2].tolist(), abs=1e-6)


def test_a_detector_that_finds_nothing_has_precision_0_and_images_without_objects_have_none():
    pytest.importorskip("faster_coco_eval")
    rows, answers, frames = scene()
    nothing = [{"boxes": torch.zeros(0, 4), "scores": torch.zeros(0), "labels": torch.zeros(0).long()}] * 12
    metric = BoxPrecision(GRAPH, rows)
    metric.update({"detections": nothing}, Seen({}, list(range(12)), frames=frames))
    assert metric.value()["box_ap"] == 0
    empty = Rows({"boxes": "Boxes"}, ("a",), boxes=[np.zeros((0, 4))], box_labels=[np.zeros(0)])
    metric = BoxPrecision(GRAPH, empty)
    metric.update({"detections": answers[:1]}, Seen({}, [0], frames=frames[:1]))
    assert math.isnan(metric.value()["box_ap"])


def test_without_its_package_average_precision_is_refused_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "faster_coco_eval", None)
    rows = Rows({"image": "Image", "boxes": "Boxes", "box_labels": "BoxLabels"}, boxes=[], box_labels=[])
    with pytest.raises(GraphError) as refused:
        metrics_for(GRAPH, Catalog.default(), rows)
    assert [problem.code for problem in refused.value.problems] == ["no-package"]
    assert "pip install 'graph-composer[detection]'" in refused.value.problems[0].message


# Which metrics fit.

LABELLED = Rows({"image": "Image", "label": "Label"}, tuple("abcdefghij"), label=[0, 1])


@pytest.mark.parametrize(
    ("graph", "source", "expected"),
    [
        ("classification/fashion_mnist", LABELLED, ["accuracy", "top_5", "loss"]),
        ("classification/fashion_mnist", Rows({"image": "Image", "label": "Label"}, ("a", "b")), ["accuracy", "loss"]),
        ("detection/digits", None, ["box_ap"]),
        ("detection/mask_rcnn_r50_fpn", None, ["box_ap", "mask_ap"]),
        ("detection/mask_rcnn_r50_fpn", Rows({"image": "Image", "boxes": "Boxes"}), ["box_ap"]),
        ("retrieval/resnet50_arcface", LABELLED, ["retrieval"]),
        ("selfsup/simclr", LABELLED, ["knn"]),
        ("selfsup/simclr", Rows({"image": "Image"}), ["loss"]),
        ("selfsup/deepcluster", LABELLED, ["knn"]),
        ("selfsup/mae", None, ["loss"]),
    ],
)
def test_the_metrics_fit_what_is_predicted(graph, source, expected):
    found = default_metrics(composer.read(f"saved_graphs/{graph}.yaml"), Catalog.default(), source)
    assert found == expected


@pytest.mark.parametrize(
    ("graph", "names", "code", "word"),
    [
        ("classification/fashion_mnist", ["acuracy"], "recipe-value", "did you mean 'accuracy'?"),
        ("classification/fashion_mnist", ["box_ap"], "no-metric", "detections"),
        ("classification/fashion_mnist", ["knn"], "no-metric", "training samples"),
        ("detection/digits", ["box_ap"], "no-metric", "boxes"),
        ("detection/digits", ["accuracy"], "no-metric", "Label"),
    ],
)
def test_a_metric_that_cannot_be_counted_is_refused(graph, names, code, word):
    with pytest.raises(GraphError) as refused:
        metrics_for(composer.read(f"saved_graphs/{graph}.yaml"), Catalog.default(), LABELLED, names=names)
    (problem,) = refused.value.problems
    assert problem.code == code and word in problem.message


def test_related_names_share_one_metric_in_the_requested_order():
    graph = composer.read("saved_graphs/classification/fashion_mnist.yaml")
    names = ["loss", "accuracy", "top_3", "top_5", "knn_3"]
    found = metrics_for(graph, Catalog.default(), LABELLED, train=LABELLED, names=names)
    assert [type(metric) for metric in found] == [MeanLoss, Accuracy, NearestNeighbours]
    assert found[1].top == (3, 5) and found[2].k == 3


def in_one_of_two(rank, store, results):
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    scores, labels = random_classes(count=61, seed=3)
    metric = Accuracy(top=[2])
    for indices in torch.arange(61)[rank::2].split(9):
        cut = {"scores": scores[indices], "labels": scores[indices].argmax(dim=1)}
        metric.update(cut, Seen({"label": labels[indices]}, indices.tolist()))
    metrics.gather([metric])
    results.put((rank, metric.value(), metric.details()["confusion"]))
    dist.destroy_process_group()


def test_two_processes_count_exactly_what_one_counts(tmp_path):
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    processes = [context.Process(target=in_one_of_two, args=(r, tmp_path / "store", results)) for r in range(2)]
    for process in processes:
        process.start()
    found = [results.get(timeout=120) for _ in processes]
    for process in processes:
        process.join()
    scores, labels = random_classes(count=61, seed=3)
    alone = Accuracy(top=[2])
    alone.update({"scores": scores, "labels": scores.argmax(dim=1)}, Seen({"label": labels}, list(range(61))))
    for _, value, confusion in found:
        assert value == alone.value() and confusion == alone.details()["confusion"]


def test_random_labels_never_break_accuracy():
    draw = random.Random(0)
    for _ in range(50):
        count, classes = draw.randint(1, 9), draw.randint(2, 5)
        labels = torch.tensor([draw.randint(-2, 9) for _ in range(count)])
        answers = torch.tensor([draw.randint(-1, 9) for _ in range(count)])
        metric = Accuracy(names=["x"] * classes)
        metric.update({"labels": answers}, Seen({"label": labels}, list(range(count))))
        known = labels >= 0
        right = (labels == answers) & (answers < classes) & known
        expected = int(right.sum()) / int(known.sum()) if known.any() else math.nan
        assert metric.value()["accuracy"] == pytest.approx(expected, nan_ok=True)


def test_an_array_source_is_what_metrics_read():
    source = ArraySource(np.zeros((2, 8, 8, 3), np.uint8), np.array([1, 0]))
    assert "label" in source.columns and int(source[0]["label"]) == 1


def test_classes_that_the_data_only_numbers_go_by_the_names_of_the_graph():
    graph = composer.read("saved_graphs/classification/fashion_mnist.yaml")
    numbered = ArraySource(np.zeros((10, 4, 4), np.uint8), np.arange(10))
    named = ArraySource(np.zeros((10, 4, 4), np.uint8), np.arange(10), classes=tuple("abcdefghij"))
    assert metrics.metric.class_names(graph, numbered) == tuple(graph.classes)
    assert metrics.metric.class_names(graph, named) == tuple("abcdefghij")
