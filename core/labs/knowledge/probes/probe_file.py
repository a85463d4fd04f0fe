"""Probes as files: safetensors or npz with ``direction``, ``layer`` and, if they are known, the rest.

``direction``   float ``[d_model]``, on both halves of a pair with opposite signs, or ``[2, d_model]`` for x₋ and x₊
``layer``       0 the embedding, l what block l leaves
``bias``        b of p(x) = sigmoid(direction · x + b); it enters the CCS loss only. Default 0
``threshold``   of the score direction · (x₊ − x₋). Default 0
``mean, scale`` float ``[2, d_model]``: the normaliser. Without them one is fitted, without labels, on the training part
``erase_left, erase_right, centre``  of LEACE
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import NoReturn

import numpy as np
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save

from core.errors import ResultError
from core.labs.knowledge.probes.methods import Probes
from core.labs.knowledge.probes.normalise import Normaliser

LARGEST = 64 * 2**20  # bytes
NAMES = ("direction", "layer", "bias", "threshold", "mean", "scale", "erase_left", "erase_right", "centre")
_DTYPES = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "I32": "<i4"}


def probe_bytes(probe: Probes) -> bytes:
    """One probe, with its normaliser, as safetensors."""
    n = probe.normaliser
    arrays = {
        "direction": probe.weights[0],
        "layer": np.array(probe.layer, np.int64),
        "bias": probe.bias[0],
        "threshold": probe.threshold[0],
        "mean": n.mean,
        "scale": n.scale,
        "erase_left": n.erase_left,
        "erase_right": n.erase_right,
        "centre": n.centre,
    }
    return save({name: np.ascontiguousarray(array) for name, array in arrays.items()})


def read_probe(data: bytes, *, filename: str) -> Probes:
    """A probe from the bytes of a file; ``method`` is the file's name. Without a normaliser, mean 0 and scale 1:
    ``has_normaliser`` tells.

    Raises:
        ResultError: not a probe, or damaged. Nothing in the file is ever run.
    """
    name = Path(filename).name[:60]
    if len(data) > LARGEST:
        _refuse("The file is too large to be a probe.", name)
    arrays = _npz(data, name) if name.endswith(".npz") else _safetensors(data, name)
    for needed in ("direction", "layer"):
        if needed not in arrays:
            _refuse(f"The file holds no {needed}.", name)
    if not set(arrays) <= set(NAMES):
        odd = sorted(set(arrays) - set(NAMES))[0]
        _refuse(f"The file holds {odd[:40]!r}, which is not part of a probe.", name)
    direction = np.asarray(arrays["direction"], np.float32)
    weights = np.stack([-direction, direction]) if direction.ndim == 1 else direction
    if weights.ndim != 2 or weights.shape[0] != 2 or not np.isfinite(weights).all() or not weights.any():
        _refuse("The direction must be [d_model] or [2, d_model], finite and not all zero.", name)
    layer = _scalar(arrays["layer"], "layer", name)
    if layer != int(layer) or layer < 0:
        _refuse("The layer must be a whole number from 0 on.", name)
    bias, threshold = (_scalar(arrays.get(part, np.zeros(1)), part, name) for part in ("bias", "threshold"))
    return Probes(
        method=name,
        layer=int(layer),
        seeds=np.zeros(1, int),
        weights=weights[None],
        bias=np.array([bias], np.float32),
        threshold=np.array([threshold], np.float32),
        normaliser=_normaliser(arrays, weights.shape[1], name),
    )


def has_normaliser(probe: Probes) -> bool:
    """Whether the probe came with one."""
    return bool(probe.normaliser.mean.any()) or bool((probe.normaliser.scale != 1).any())


def refuse_misfit(probe: Probes, *, n_layers: int, d_model: int) -> None:
    """Raise ResultError where a probe cannot be of a model of this size."""
    if probe.layer > n_layers or probe.weights.shape[-1] != d_model:
        raise ResultError(
            f"The probe is for layer {probe.layer} of {probe.weights.shape[-1]} dimensions; the model has layers 0 to "
            f"{n_layers} of {d_model}.",
            where=probe.method,
            next_step="Choose the model that the probe was fitted on.",
        )


def _normaliser(arrays: dict[str, np.ndarray], d: int, name: str) -> Normaliser:
    shapes = {"mean": (2, d), "scale": (2, d), "centre": (d,)}
    defaults = {"mean": np.zeros((2, d)), "scale": np.ones((2, d)), "centre": np.zeros(d)}
    found = {part: np.asarray(arrays.get(part, defaults[part]), np.float32) for part in shapes}
    left = np.asarray(arrays.get("erase_left", np.zeros((d, 0))), np.float32)
    right = np.asarray(arrays.get("erase_right", np.zeros((0, d))), np.float32)
    fits = all(found[part].shape == shape and np.isfinite(found[part]).all() for part, shape in shapes.items())
    fits = fits and left.ndim == right.ndim == 2 and left.shape[0] == d and right.shape == left.shape[::-1]
    if not fits or not (found["scale"] > 0).all() or not np.isfinite(left).all() or not np.isfinite(right).all():
        _refuse("The normaliser's parts do not fit the direction, or are not finite.", name)
    return Normaliser(found["mean"], found["scale"], left, right, found["centre"])


def _scalar(array: np.ndarray, part: str, name: str) -> float:
    if array.size != 1 or array.dtype.kind not in "fiu" or not np.isfinite(array).all():
        _refuse(f"The {part} must be one number.", name)
    return float(array.reshape(-1)[0])


def _safetensors(data: bytes, name: str) -> dict[str, np.ndarray]:
    try:
        tensors = dict(deserialize(data))
    except (SafetensorError, ValueError) as error:
        raise ResultError("The file is not safetensors, or damaged.", where=name) from error
    found = {}
    for key, tensor in tensors.items():
        if tensor["dtype"] not in _DTYPES:
            _refuse(f"The tensor {key[:40]!r} has the type {tensor['dtype']}.", name)
        array = np.frombuffer(tensor["data"], _DTYPES[tensor["dtype"]])
        found[key] = array.reshape(tuple(tensor["shape"]))
    return found


def _npz(data: bytes, name: str) -> dict[str, np.ndarray]:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            if sum(info.file_size for info in archive.zip.infolist()) > 4 * LARGEST:
                _refuse("The file unpacks to more than a probe.", name)
            found = {key: archive[key] for key in archive.files}
    except (OSError, ValueError, KeyError, EOFError, AttributeError) as error:
        raise ResultError("The file is not npz, or damaged.", where=name) from error
    for key, array in found.items():
        if array.dtype.kind not in "fiu":
            _refuse(f"The array {key[:40]!r} does not hold numbers.", name)
    return found


def _refuse(what: str, where: str) -> NoReturn:
    raise ResultError(what, where=where, next_step="A probe file holds direction and layer; see the page's help.")
