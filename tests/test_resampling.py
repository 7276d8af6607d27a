"""Images in other sizes are those of OpenCV and of Pillow, to the pixel."""

import numpy as np
import pytest
from PIL import Image

from composer.run.interpolation import resampled

SOURCE = np.array([[(37 * r * r + 91 * c + 13 * r * c) % 256 for c in range(7)] for r in range(5)], np.uint8)
EVEN = np.array([[(53 * r + 29 * c * c) % 256 for c in range(8)] for r in range(6)], np.uint8)

# What cv2.resize 4.8.1 makes of SOURCE.
OPENCV = {
    ("nearest", (3, 4)): [[0, 91, 17, 199], [37, 141, 93, 45], [77, 207, 211, 215]],
    ("bilinear", (3, 4)): [[48, 183, 126, 100], [96, 141, 121, 134], [131, 117, 136, 123]],
    ("bilinear", (4, 3)): [[66, 26, 136], [87, 149, 115], [123, 223, 173], [174, 248, 87]],
    ("bilinear", (8, 10)): [
        [0, 50, 114, 177, 75, 49, 112, 176, 125, 34],
        [16, 69, 137, 205, 106, 84, 146, 135, 110, 84],
        [44, 93, 159, 232, 150, 133, 184, 90, 96, 145],
        [113, 78, 78, 157, 184, 174, 135, 158, 137, 103],
        [126, 95, 81, 110, 190, 186, 104, 189, 158, 84],
        [81, 143, 167, 89, 168, 168, 93, 183, 158, 88],
        [79, 154, 186, 103, 186, 193, 116, 111, 120, 134],
        [80, 158, 195, 115, 203, 213, 134, 55, 91, 170],
    ],
    ("bicubic", (3, 4)): [[38, 196, 128, 98], [90, 148, 111, 140], [139, 105, 138, 121]],
    ("bicubic", (4, 3)): [[57, 23, 146], [72, 158, 97], [125, 228, 213], [191, 248, 73]],
    ("area", (3, 4)): [[56, 148, 115, 105], [96, 150, 153, 134], [138, 155, 150, 122]],
    ("area", (4, 3)): [[74, 105, 114], [101, 168, 125], [114, 151, 143], [143, 171, 112]],
    ("area", (8, 10)): [
        [0, 52, 104, 182, 64, 43, 108, 186, 128, 34],
        [15, 70, 125, 207, 93, 75, 144, 138, 113, 80],
        [37, 96, 156, 245, 136, 123, 197, 67, 90, 149],
        [126, 74, 52, 150, 195, 187, 122, 177, 147, 95],
        [134, 85, 58, 117, 202, 198, 100, 203, 161, 83],
        [77, 151, 189, 81, 174, 175, 85, 196, 161, 89],
        [79, 157, 200, 98, 197, 202, 118, 104, 117, 138],
        [80, 162, 207, 110, 212, 221, 140, 43, 88, 170],
    ],
}


@pytest.mark.parametrize(("how", "size"), OPENCV, ids=str)
def test_resizing_equals_opencv(how: str, size: tuple[int, int]) -> None:
    found = resampled(np.stack([SOURCE, 255 - SOURCE]), size, how)
    assert found.dtype == np.uint8 and found.shape == (2, *size)
    assert found[0].tolist() == OPENCV[how, size]


@pytest.mark.parametrize("how", ["bilinear", "area"])
def test_halving_an_image_averages_four_pixels(how: str) -> None:
    halved = [[41, 87, 109, 107], [147, 129, 87, 149], [125, 107, 193, 127]]
    assert resampled(EVEN[None], (3, 4), how)[0].tolist() == halved


def test_area_interpolation_averages_whole_blocks() -> None:
    assert resampled(EVEN[None], (2, 4), "area")[0].tolist() == [[68, 114, 93, 134], [141, 102, 166, 122]]


@pytest.mark.parametrize("how", ["nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"])
def test_resizing_by_pillow_equals_pillow(how: str) -> None:
    resample = Image.Resampling[how.upper()]
    expected = np.asarray(Image.fromarray(SOURCE).resize((4, 3), resample))
    assert np.array_equal(resampled(SOURCE[None], (3, 4), how, "pillow")[0], expected)


@pytest.mark.parametrize("backend", ["cv2", "pillow"])
def test_an_image_of_the_right_size_is_unchanged(backend: str) -> None:
    assert np.array_equal(resampled(SOURCE[None], SOURCE.shape, "bicubic", backend)[0], SOURCE)
