"""Models from GGUF files. Transformers reads them slowly, so the dequantised model is kept beside other caches."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch


def cache_dir() -> Path:
    """Where dequantised models are kept: ``$XDG_CACHE_HOME/circuitarium`` or ``~/.cache/circuitarium``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "circuitarium"


def dequantised(file: Path) -> Path:
    """A Hugging Face folder with the file's model in float32 and its tokenizer, made on first use.

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
            _convert(file, partial)
            os.replace(partial, folder)
        except OSError:
            if not folder.is_dir():  # else another process was faster
                raise
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return folder


def _convert(file: Path, folder: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model: Any
    options: dict[str, Any] = {"gguf_file": file.name}
    model = AutoModelForCausalLM.from_pretrained(file.parent, dtype=torch.float32, **options)
    del model.config.quantization_config, model.hf_quantizer
    model.is_quantized = False
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(file.parent, **options).save_pretrained(folder)
