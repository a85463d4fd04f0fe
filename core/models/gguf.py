"""Models from GGUF files. Transformers reads them slowly, so the dequantised model is kept beside other caches."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from core.progress import OnLoad

READ, DEQUANTISED = 0.5, 0.7  # how much of the conversion is over when the file is read, and its tensors dequantised
TICKS = 1000  # of a conversion, as steps are counted


def cache_dir() -> Path:
    """Where dequantised models are kept: ``$XDG_CACHE_HOME/circuitarium`` or ``~/.cache/circuitarium``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "circuitarium"


def dequantised(file: Path, on_step: OnLoad | None = None) -> Path:
    """A Hugging Face folder with the file's model in float32 and its tokenizer, made on first use.

    Args:
        on_step: told how far the conversion is, and what it is doing.

    Raises:
        OSError, ValueError: the file is not a GGUF model that transformers can read.
    """
    stat = file.stat()
    name = f"{file.resolve()}|{stat.st_size}|{stat.st_mtime_ns}|{version('transformers')}"
    folder = cache_dir() / f"{file.stem}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".partial-"))
        try:
            _convert(file, partial, on_step or _silent)
            os.replace(partial, folder)
        except OSError:
            if not folder.is_dir():  # else another process was faster
                raise
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return folder


def _silent(done: int, total: int, doing: str) -> None:
    """Nobody asked."""


def _convert(file: Path, folder: Path, on_step: OnLoad) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model: Any
    options: dict[str, Any] = {"gguf_file": file.name}
    on_step(0, TICKS, f"reading {file.name} ({file.stat().st_size / 1e6:.0f} MB)")
    with _counted(lambda i, n: on_step(_ticks(i / n, READ, DEQUANTISED), TICKS, f"dequantising tensor {i} of {n}")):
        model = AutoModelForCausalLM.from_pretrained(file.parent, dtype=torch.float32, **options)
    del model.config.quantization_config, model.hf_quantizer
    model.is_quantized = False
    size = sum(parameter.nbytes for parameter in model.parameters())
    on_step(_ticks(1, READ, DEQUANTISED), TICKS, f"keeping a copy ({size / 1e6:.0f} MB)")
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(file.parent, **options).save_pretrained(folder)
    on_step(TICKS, TICKS, "kept a copy")


def _ticks(share: float, start: float, stop: float) -> int:
    return round(TICKS * (start + share * (stop - start)))


@contextmanager
def _counted(count: Callable[[int, int], None]) -> Iterator[None]:
    """Transformers reports its reading of tensors by a progress bar only: ours takes the bar's place meanwhile."""

    def bar(tensors: Any, **_: Any) -> Iterator[Any]:
        for i, tensor in enumerate(tensors):
            count(i, len(tensors))
            yield tensor

    from transformers import modeling_gguf_pytorch_utils as reading

    own = reading.tqdm
    reading.tqdm = bar  # type: ignore[assignment]
    try:
        yield
    finally:
        reading.tqdm = own
