"""Where a model runs and at which precision."""

from __future__ import annotations

import ctypes
import os
import sys

import torch

from core.errors import ModelError

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
LARGE = 2_000_000_000  # parameters beyond which a GPU run defaults to bfloat16


def choose_device(device: str = "auto") -> torch.device:
    """The device to use: a GPU when there is one, else the CPU; or the one asked for.

    Raises:
        ModelError: the device does not exist here.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except RuntimeError:
        raise ModelError(f"{device!r} is not a device.", where="--device", next_step="Use auto, cpu or cuda.") from None
    if chosen.type not in ("cpu", "cuda") or (chosen.type == "cuda" and not torch.cuda.is_available()):
        raise ModelError(f"There is no {device} device here.", where="--device", next_step="Use auto or cpu.")
    if chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count():
        raise ModelError(f"There is no {device} device here.", where="--device", next_step="Use cuda or auto.")
    return chosen


def choose_dtype(dtype: str, device: torch.device, parameters: int) -> torch.dtype:
    """The precision to use. ``"auto"`` is float32, because effects are small differences, except for models
    of more than 2 billion parameters on a GPU (bfloat16)."""
    if dtype == "auto":
        return torch.bfloat16 if device.type == "cuda" and parameters > LARGE else torch.float32
    if dtype not in DTYPES:
        raise ModelError(f"{dtype!r} is not a precision.", where="--dtype", next_step=f"Use auto, {', '.join(DTYPES)}.")
    return DTYPES[dtype]


def free_bytes(device: torch.device) -> int:
    """Memory that is free on the device now."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def refuse_if_too_large(name: str, parameters: int, dtype: torch.dtype, device: torch.device) -> None:
    """Raise ModelError when the weights alone would not fit into the device's free memory."""
    needed, free = parameters * dtype.itemsize, free_bytes(device)
    if needed > free:
        raise ModelError(
            f"{name} needs {needed / 2**30:.1f} GiB for its weights in {str(dtype).removeprefix('torch.')}; "
            f"{free / 2**30:.1f} GiB are free on {device}.",
            next_step="Choose a smaller model, a smaller precision or another device.",
        )


def keep_freed_memory() -> None:
    """Let the C library keep freed memory for the next activation instead of giving it back.

    Otherwise a forward of a few hundred tokens returns and faults in the same pages at every layer, which takes
    up to a fifth of its time. Does nothing where there is no glibc.
    """
    if sys.platform != "linux":
        return
    trim_threshold, mmap_threshold = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of <malloc.h>
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(trim_threshold, 2**31 - 1)
        mallopt(mmap_threshold, 2**25)
