"""Images become inputs as the graph says, and bad ones are reported."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import composer
from composer.catalog import Catalog
from composer.graph import FrozenDict, Graph, Input, Preprocess
from composer.graph.file import loads
from composer.problems import GraphError
from composer.run.images import MAX_PIXELS, prepare, preprocess, unprepared


def graph_with(shape: tuple[int | str, ...] | None = None, **steps: Any) -> Graph:
    return Graph(inputs=FrozenDict(image=Input("Image", shape, Preprocess(**steps))))


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def ramp(height: int, width: int) -> np.ndarray:
    """An image whose pixels all differ: red counts columns, green rows."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([columns, rows, np.full_like(rows, 7)], axis=-1).astype(np.uint8)


def problem_of(graph: Graph, image: Any, name: str | None = None) -> Any:
    with pytest.raises(GraphError) as caught:
        preprocess(graph, image, name)
    (problem,) = caught.value.problems
    return problem


def test_every_way_to_pass_an_image_gives_the_same_values(tmp_path: Path) -> None:
    pixels = ramp(4, 6)
    image = Image.fromarray(pixels)
    image.save(tmp_path / "a.png")
    expected = torch.from_numpy(pixels).permute(2, 0, 1)[None].float()
    for given in (tmp_path / "a.png", str(tmp_path / "a.png"), encoded(image), image, pixels):
        found = preprocess(graph_with(), given)
        assert found.dtype == torch.float32
        assert torch.equal(found, expected)


def test_a_list_becomes_a_batch_in_its_order() -> None:
    first, second = ramp(2, 2), ramp(2, 2) + 1
    batch = preprocess(graph_with(), [first, second])
    assert batch.shape == (2, 3, 2, 2)
    assert torch.equal(batch[1], batch[0] + 1)


@pytest.mark.parametrize(
    ("channels", "expected"),
    [("rgb", [200, 100, 50]), ("bgr", [50, 100, 200]), ("gray", [round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)])],
)
def test_channels_come_in_the_order_asked_for(channels: str, expected: list[int]) -> None:
    pixel = np.array([[[200, 100, 50]]], np.uint8)
    assert preprocess(graph_with(channels=channels), pixel).flatten().tolist() == expected


def test_mean_and_std_are_of_the_channels_after_reordering() -> None:
    pixel = np.array([[[200, 100, 50]]], np.uint8)
    found = preprocess(graph_with(channels="bgr", mean=(50.0, 90.0, 200.0), std=(2.0, 5.0, 1.0)), pixel)
    assert found.flatten().tolist() == [0, 2, 0]


@pytest.mark.parametrize(
    ("size", "resize", "expected"),
    [
        ((40, 60), 20, (20, 30)),
        ((60, 40), 20, (30, 20)),
        ((33, 100), 10, (10, 30)),  # 30.3, rounded down as ResizeEdge does
        ((10, 20), (7, 5), (7, 5)),
        ((10, 20), None, (10, 20)),
        ((33, 100), FrozenDict(long=50), (16, 50)),  # 16.5, rounded down
        ((33, 100), FrozenDict(height=10), (10, 30)),
        ((33, 100), FrozenDict(width=10), (3, 10)),
        ((480, 640), FrozenDict(short=800, long=1333), (800, 1067)),  # 1066.7, to the nearest as mmcv does
        ((300, 900), FrozenDict(short=800, long=1333), (444, 1333)),
        ((900, 300), FrozenDict(short=800, long=1333), (1333, 444)),
    ],
)
def test_one_number_scales_the_shorter_edge_and_two_are_height_and_width(
    size: tuple[int, int], resize: Any, expected: tuple[int, int]
) -> None:
    assert preprocess(graph_with(resize=resize), ramp(*size)).shape[2:] == expected


def test_resizing_is_bilinear_between_pixel_centres_without_antialiasing() -> None:
    halves = np.array([[0, 10, 20, 31]], np.uint8).repeat(4, axis=0)
    assert preprocess(graph_with(channels="gray", resize=(2, 2)), halves)[0, 0, 0].tolist() == [5, 26]  # 25.5 to even
    quarters = np.array([[0, 0, 0, 255, 0, 0, 0, 0]], np.uint8).repeat(8, axis=0)
    # Only the two pixels around a new centre count: an antialiased image would show 255 / 4 of the bright one.
    assert preprocess(graph_with(channels="gray", resize=(2, 2)), quarters)[0, 0, 0].tolist() == [0, 0]
    doubled = np.array([[0, 100]], np.uint8).repeat(2, axis=0)
    assert preprocess(graph_with(channels="gray", resize=(2, 4)), doubled)[0, 0, 0].tolist() == [0, 25, 75, 100]


def test_the_crop_is_from_the_centre() -> None:
    found = preprocess(graph_with(crop=(2, 4)), ramp(6, 8))
    assert found[0, 0, 0].tolist() == [2, 3, 4, 5]
    assert found[0, 1, :, 0].tolist() == [2, 3]


@pytest.mark.parametrize(
    ("size", "pad", "padded"),
    [
        ((5, 9), {"divisor": 4}, (8, 12)),
        ((8, 12), {"divisor": 4}, (8, 12)),
        ((5, 9), {"square": True}, (9, 9)),
        ((5, 9), {"size": (6, 10)}, (6, 10)),
        ((5, 9), {"size": (4, 10)}, (5, 10)),
    ],
)
def test_padding_is_below_and_on_the_right(size: Any, pad: Any, padded: Any) -> None:
    found = preprocess(graph_with(pad=FrozenDict(pad, value=200.0)), ramp(*size))
    assert found.shape[2:] == padded
    assert torch.equal(found[0, :, : size[0], : size[1]], preprocess(graph_with(), ramp(*size))[0])
    assert bool((found[0, :, size[0] :] == 200).all()) and bool((found[0, :, :, size[1] :] == 200).all())


@pytest.mark.parametrize(
    ("value", "expected"),
    [({}, [0, 0, 0]), ({"value": 7.0}, [3, 2, 1]), ({"value": (1.0, 5.0, 9.0)}, [0, 1, 2])],
)
def test_padding_is_zero_once_it_is_normalised_unless_it_has_a_value(value: Any, expected: Any) -> None:
    steps = {"channels": "bgr", "mean": (1.0, 3.0, 5.0), "std": (2.0, 2.0, 2.0)}
    found = preprocess(graph_with(pad=FrozenDict(size=(3, 3), **value), **steps), ramp(2, 2))
    assert found[0, :, 2, 2].tolist() == expected


def test_the_crop_by_a_share_is_made_before_the_resize() -> None:
    # 48 of 64 pixels: the share 96 / (96 + 32) of the shorter edge, from row 8 and column 18 on.
    pixels = ramp(64, 84)
    found = preprocess(graph_with(crop=(96, 96), crop_padding=32), pixels)
    cut = preprocess(graph_with(resize=(96, 96)), np.ascontiguousarray(pixels[8:56, 18:66]))
    assert torch.equal(found, cut)


@pytest.mark.parametrize(
    ("steps", "box"),
    [
        ({"resize": FrozenDict(short=20, long=40), "pad": FrozenDict(divisor=32)}, (10.0, 20.0, 30.0, 36.0)),
        ({"resize": (20, 80)}, (10.0, 20.0, 30.0, 36.0)),
        ({"resize": (20, 40), "crop": (10, 20)}, (10.0, 20.0, 30.0, 36.0)),
        ({"crop": (36, 60), "crop_padding": 4}, (10.0, 20.0, 30.0, 36.0)),
    ],
)
def test_boxes_of_an_input_are_those_of_the_image(steps: Any, box: tuple[float, float, float, float]) -> None:
    frame = prepare(graph_with(**steps), ramp(40, 80)).frame
    (down, across), (above, left) = frame.scale, frame.origin
    x1, y1, x2, y2 = box
    inside = ((x1 - left) * across, (y1 - above) * down, (x2 - left) * across, (y2 - above) * down)
    assert frame.in_image(inside) == pytest.approx(box)
    assert frame.in_image((-99.0, -99.0, 999.0, 999.0)) == (0, 0, 80, 40)


def test_where_an_image_lies_is_reported_with_it() -> None:
    found = prepare(graph_with(resize=FrozenDict(short=20, long=50), pad=FrozenDict(divisor=32)), ramp(40, 80))
    assert tuple(found.tensor.shape) == (3, 32, 64)
    assert (found.frame.image, found.frame.size, found.frame.padded) == ((40, 80), (20, 40), (32, 64))
    assert found.frame.scale == (0.5, 0.5)


def test_bands_are_those_of_an_array() -> None:
    bands = np.arange(2 * 3 * 5, dtype=np.uint8).reshape(2, 3, 5)
    graph = graph_with(("B", 5, 2, 3), channels="bands", mean=(1.0,) * 5, std=(2.0,) * 5)
    assert torch.equal(preprocess(graph, bands)[0], (torch.from_numpy(bands).permute(2, 0, 1).float() - 1) / 2)
    problem = problem_of(graph, ramp(2, 3)[:, :, 0])
    assert problem.code == "bad-image" and "expected an array of uint8 [H, W, C]" in problem.message
    assert problem_of(graph, encoded(Image.fromarray(ramp(2, 3)))).message.endswith("found an image file")
    assert problem_of(graph, bands[:, :, :3]).code == "image-size"


def test_an_image_is_turned_upright_by_its_exif_orientation() -> None:
    image = Image.fromarray(ramp(2, 3))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    turned = preprocess(graph_with(), encoded(image, exif=exif))
    assert turned.shape == (1, 3, 3, 2)
    assert torch.equal(turned[0], torch.from_numpy(np.rot90(ramp(2, 3), -1).copy()).permute(2, 0, 1).float())


def palette_with_transparency() -> Image.Image:
    image = Image.fromarray(np.full((2, 2, 3), (10, 20, 30), np.uint8)).convert("P", palette=Image.Palette.ADAPTIVE)
    image.info["transparency"] = 0
    return image


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (Image.new("RGBA", (2, 2), (10, 20, 30, 0)), (10, 20, 30)),
        (Image.new("LA", (2, 2), (10, 0)), (10, 10, 10)),
        (palette_with_transparency(), (10, 20, 30)),
        (Image.new("1", (2, 2), 1), (255, 255, 255)),
        (Image.new("CMYK", (2, 2), (0, 0, 0, 255)), (0, 0, 0)),
        (Image.fromarray(np.full((2, 2), 0x1234, np.uint16)), (0x12, 0x12, 0x12)),
        (Image.fromarray(np.full((2, 2), 0xFFFF, np.int32)), (255, 255, 255)),
    ],
    ids=["alpha", "gray-alpha", "palette", "1-bit", "cmyk", "16-bit", "32-bit-of-16"],
)
def test_images_of_any_kind_become_three_channels(image: Image.Image, expected: tuple[int, ...]) -> None:
    found = preprocess(graph_with(), image)
    assert found.shape == (1, 3, 2, 2)
    assert found[0, :, 0, 0].tolist() == list(expected)


def test_a_16_bit_file_keeps_its_upper_bytes(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0x0102, 0xFEFF]], np.uint16)).save(tmp_path / "deep.png")
    assert preprocess(graph_with(channels="gray"), tmp_path / "deep.png").flatten().tolist() == [1, 0xFE]


def test_the_callers_image_is_left_as_it_is() -> None:
    image, pixels = Image.new("RGBA", (3, 2)), ramp(2, 3)
    pixels.setflags(write=False)
    preprocess(graph_with(resize=(1, 1), channels="gray"), image)
    preprocess(graph_with(resize=(1, 1), channels="gray"), pixels)
    assert (image.mode, image.size) == ("RGBA", (3, 2))
    assert np.array_equal(pixels, ramp(2, 3))


def bomb() -> bytes:
    """A PNG of a few bytes that declares 20,000 x 20,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


PNG = encoded(Image.fromarray(ramp(64, 64)))
JPEG = encoded(Image.fromarray(ramp(64, 64)), "JPEG")


@pytest.mark.parametrize(
    ("given", "code", "expected"),
    [
        (b"", "bad-image", "not an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "bad-image", "not an image"),
        (PNG[: len(PNG) // 2], "bad-image", "damaged or cut off"),
        (JPEG[: len(JPEG) // 2], "bad-image", "damaged or cut off"),
        (PNG[:20], "bad-image", "image"),
        (bomb(), "image-too-large", f"{MAX_PIXELS:,} pixels"),
        (encoded(Image.new("F", (2, 2)), "TIFF"), "bad-image", "floating-point"),
        (np.full((2, 2), 1 << 20, np.int32), "bad-image", "uint8"),
        (Image.fromarray(np.full((2, 2), 1 << 20, np.int32)), "bad-image", "16 bits"),
        (np.zeros((4, 4, 3), np.float32), "bad-image", "found float32 [4, 4, 3]"),
        (np.zeros((4, 4, 2), np.uint8), "bad-image", "found uint8 [4, 4, 2]"),
        (np.zeros((0, 4, 3), np.uint8), "bad-image", "found uint8 [0, 4, 3]"),
        (np.zeros((1, 4, 4, 3), np.uint8), "bad-image", "found uint8 [1, 4, 4, 3]"),
        (torch.zeros(3, 4, 4), "bad-image", "found Tensor"),
        (None, "bad-image", "found NoneType"),
        ([], "bad-image", "at least one image"),
    ],
)
def test_files_that_are_no_images_are_refused_with_the_reason(given: Any, code: str, expected: str) -> None:
    problem = problem_of(graph_with(), given)
    assert problem.code == code
    assert expected in problem.message


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    assert str(problem_of(graph_with(), tmp_path / "no.png")) == (
        f"no-file {tmp_path / 'no.png'}\n    there is no such image file"
    )
    assert problem_of(graph_with(), tmp_path).code == "no-file"


def test_a_resize_that_would_fill_the_memory_is_refused() -> None:
    problem = problem_of(graph_with(resize=2_000), ramp(1, 200_000))
    assert problem.code == "image-too-large"


def test_every_bad_image_of_a_list_is_reported() -> None:
    with pytest.raises(GraphError) as caught:
        preprocess(graph_with(), [ramp(2, 2), b"", "nowhere.png"])
    assert [problem.where.subject for problem in caught.value.problems] == ["image 2", "nowhere.png"]


def test_images_of_several_sizes_are_no_batch() -> None:
    problem = problem_of(graph_with(), [ramp(2, 2), ramp(2, 3)])
    assert "2 x 2 pixels" in problem.message
    assert "2 x 3 pixels" in problem.message
    assert preprocess(graph_with(resize=(2, 2)), [ramp(2, 2), ramp(2, 3)]).shape == (2, 3, 2, 2)


def test_an_image_of_another_size_is_refused_with_the_resize_that_fixes_it() -> None:
    problem = problem_of(graph_with(("B", 3, 28, 32)), ramp(30, 32))
    assert str(problem) == (
        "image-size image\n"
        "    it is 30 x 32 pixels (height x width) after preprocessing, input 'image' expects B 3 28 32\n"
        "    fix: set inputs.image.preprocess.resize to [28, 32]"
    )
    assert problem.fix.edits[0].path == ("inputs", "image", "preprocess", "resize")
    assert preprocess(graph_with(("B", 3, 28, 32)), ramp(28, 32)).shape == (1, 3, 28, 32)
    assert preprocess(graph_with(("B", 3, "H", 32)), ramp(30, 32)).shape == (1, 3, 30, 32)


@pytest.mark.parametrize("shape", [("B", 1, 28, 28), ("B", 784)])
def test_an_input_that_is_no_such_image_is_refused(shape: tuple[int | str, ...]) -> None:
    assert problem_of(graph_with(shape), ramp(28, 28)).code == "image-size"


def test_a_crop_larger_than_the_image_is_refused() -> None:
    problem = problem_of(graph_with(crop=(5, 5)), ramp(4, 8))
    assert "too small to crop" in problem.message


def test_an_input_without_preprocess_says_how_to_write_one() -> None:
    graph = Graph(inputs=FrozenDict(image=Input("Image", ("B", 1, 28, 28))))
    problem = problem_of(graph, ramp(28, 28))
    assert problem.code == "no-preprocess"
    assert "preprocess to {resize: [28, 28], channels: gray, mean: [127.5], std: [127.5]}" in problem.fix.message
    assert problem.fix.edits[0].value["resize"] == [28, 28]


@pytest.mark.parametrize(
    ("shape", "steps"),
    [
        (("B", 3, 24, 24), None),
        (("B", 1, 24, 20), None),
        (("B", 3, "H", "W"), None),
        (("B", 3, 24, "W"), None),
        (("B", "C", 24, 24), None),
        (("B", 3, 24, 24), {}),
        (("B", 3, 24, 24), {"resize": 32}),
        (("B", 3, 24, 24), {"resize": 16}),
        (("B", 3, 24, 20), {"resize": (30, 30), "crop": (20, 20)}),
        (("B", 3, 24, 24), {"resize": (30, 30), "crop": (30, 30)}),
        (("B", 3, 24, 24), {"resize": 20, "crop": (24, 24)}),
        (("B", 3, 24, 24), {"crop": (24, 24)}),
        (("B", 3, 24, "W"), {"resize": 24}),
        (None, {"crop": (50, 50)}),
    ],
)
def test_one_fix_is_enough_for_any_image(shape: tuple[int | str, ...] | None, steps: dict[str, Any] | None) -> None:
    written = None if steps is None else Preprocess(**steps)
    graph = Graph(inputs=FrozenDict(image=Input("Image", shape, written)))
    for image in (ramp(8, 12), ramp(24, 60), ramp(70, 40)):
        mended, images = graph, [image]
        try:
            preprocess(graph, image)
        except GraphError as error:
            (problem,) = error.problems
            assert problem.fix is not None
            mended, images = composer.edit(graph, problem.fix), [image, ramp(9, 31)]
        for other in images:
            made = preprocess(mended, other)
            assert all(isinstance(size, str) or size == own for size, own in zip(shape or (), made.shape, strict=False))


def test_an_input_that_no_image_becomes_has_no_fix() -> None:
    problem = problem_of(Graph(inputs=FrozenDict(image=Input("Image", ("B", 5, 8, 8)))), ramp(8, 8))
    assert problem.code == "no-preprocess" and problem.fix is None
    assert "expects B 5 8 8" in problem.message


def test_the_input_is_found_or_must_be_named() -> None:
    one = Input("Image", None, Preprocess())
    pair = Graph(inputs=FrozenDict(view_1=one, view_2=one))
    mixed = Graph(inputs=FrozenDict(image=one, boxes=Input("Boxes")))
    assert "view_1, view_2" in problem_of(pair, ramp(2, 2)).message
    assert preprocess(pair, ramp(2, 2), "view_2").shape == (1, 3, 2, 2)
    assert preprocess(mixed, ramp(2, 2)).shape == (1, 3, 2, 2)
    assert "did you mean 'view_1'" in problem_of(pair, ramp(2, 2), "view1").message


def test_there_are_as_many_means_as_channels() -> None:
    assert problem_of(graph_with(mean=(7.0,)), ramp(2, 2)).code == "bad-preprocess"
    assert preprocess(graph_with(mean=(1.0, 2.0, 7.0)), ramp(1, 1)).flatten().tolist() == [-1, -2, 0]


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ("x: {type: Image, shape: [B, 3, 8, 8]}", ["x"]),
        ("x: {type: Image}", ["x"]),
        ("x: {type: Image, shape: [B, 1, 8, 8]}, y: {type: Image}", ["x", "y"]),
        ("x: {type: Image, shape: [B, 3, 8, 8], preprocess: {resize: [8, 8]}}", []),
        ("x: {type: Image, preprocess: {resize: [8, 8]}}, y: {type: Image}", []),
        ("x: {type: Image, shape: [B, 5, 8, 8]}", []),
        ("x: {type: FeatureMap, shape: [B, 3, 8, 8]}", []),
    ],
)
def test_an_image_input_without_preprocess_gets_a_notice_with_the_fix_of_a_refused_run(inputs, expected):
    text = f"schema: 1\ninputs: {{{inputs}}}\nnodes:\n  act: {{type: ReLU, inputs: {{input: x}}}}\n"
    graph = loads(text + "outputs:\n  tensor: {out: act.out}\n")
    notices = unprepared(graph, Catalog.default().port_types)
    assert [(notice.where.port, notice.severity) for notice in notices] == [(name, "notice") for name in expected]
    for notice in notices[:1]:
        with pytest.raises(composer.GraphError) as error:
            composer.preprocess(graph, Image.new("RGB", (9, 9)), notice.where.port)
        assert error.value.problems[0].fix == notice.fix
        assert unprepared(composer.edit(graph, notice.fix), Catalog.default().port_types) == []
