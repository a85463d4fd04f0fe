"""Clips: what is read back is what was put in, sides are even, nothing is refused."""

import imageio.v3 as iio
import numpy as np
import pytest

from core.errors import SpecError
from core.worlds.tasks.clip import enlarged, gif, mp4

COLOURS = ((255, 255, 255), (200, 30, 40), (20, 30, 200))
FRAMES = [np.full((33, 48, 3), colour, np.uint8) for colour in COLOURS]


def test_a_gif_holds_every_frame_as_it_was():
    data = gif(FRAMES, per_second=8)
    assert data.startswith(b"GIF89a")
    np.testing.assert_array_equal(iio.imread(data, extension=".gif")[..., :3], np.stack(FRAMES))


def test_an_mp4_has_even_sides_and_every_frame():
    data = mp4(FRAMES, per_second=8)
    assert data[4:8] == b"ftyp"
    read = iio.imread(data, extension=".mp4")
    assert read.shape == (3, 34, 48, 3)
    assert np.abs(read.mean((1, 2)) - np.array(COLOURS)).max() < 12  # colours are stored coarsely


def test_a_clip_of_nothing_is_refused():
    with pytest.raises(SpecError, match="needs a picture"):
        gif([], per_second=8)


def test_enlarged_pixels_are_squares():
    np.testing.assert_array_equal(enlarged(np.arange(2).reshape(1, 2), 2), [[0, 0, 1, 1], [0, 0, 1, 1]])
