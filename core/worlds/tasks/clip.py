"""Pictures in a row as a clip that plays: GIF or MP4."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import imageio.v3 as iio
import numpy as np

from core.errors import SpecError


def gif(frames: Sequence[np.ndarray], *, per_second: float) -> bytes:
    """A GIF that repeats for ever.

    Args:
        frames: RGB, uint8 [row, column, 3] each, all of one size.
        per_second: how many are shown in a second.

    Raises:
        SpecError: there are none.
    """
    return iio.imwrite("<bytes>", _stacked(frames), extension=".gif", duration=1000 / per_second, loop=0)


def mp4(frames: Sequence[np.ndarray], *, per_second: float) -> bytes:
    """An MP4 (H.264). Its players want even sides: an odd one gets its last row or column twice. See ``gif``."""
    stacked = _stacked(frames)
    odd = [(0, side % 2) for side in stacked.shape[1:3]]
    even = np.pad(stacked, [(0, 0), *odd, (0, 0)], mode="edge")
    options: dict[str, Any] = {
        "codec": "libx264",
        "pixelformat": "yuv420p",
        "macro_block_size": 2,
        "ffmpeg_log_level": "error",
    }
    return iio.imwrite("<bytes>", even, extension=".mp4", fps=per_second, **options)


def enlarged(frame: np.ndarray, times: int) -> np.ndarray:
    """Every pixel as a square of ``times`` x ``times``, sharp as it was."""
    return frame.repeat(times, axis=0).repeat(times, axis=1)


def _stacked(frames: Sequence[np.ndarray]) -> np.ndarray:
    if len(frames) == 0:
        raise SpecError("A clip needs a picture at least.", where="clip")
    return np.stack(list(frames))
