"""Loading a model: from its wheel, the hub, or a local folder or GGUF file."""

from __future__ import annotations

import copy
import hashlib
import importlib.util
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from core.errors import ModelError
from core.models.architecture import Parts, find_parts, read_shape
from core.models.attention import NAME, register
from core.models.card import ModelCard
from core.models.catalogue import SHIPPED, Entry, find
from core.models.device import choose_device, choose_dtype, keep_freed_memory, refuse_if_too_large
from core.models.gguf import dequantised
from core.models.toy import read_toy
from core.models.toy_folder import is_toy
from core.progress import OnLoad
from core.terms import ModelShape


@dataclass
class LoadedModel:
    """A frozen model in evaluation mode and what the engine needs to know of it.

    One thread may use it at a time: runs replace forwards and register hooks on its modules while they last.
    """

    model_id: str
    hf: Any
    tokenizer: Any
    parts: Parts
    shape: ModelShape
    card: ModelCard

    @property
    def device(self) -> torch.device:
        return self.hf.device

    @property
    def dtype(self) -> torch.dtype:
        return self.hf.dtype

    @property
    def revision(self) -> str:
        return self.card.revision

    @property
    def max_tokens(self) -> int:
        """Longest prompt the model has positions for."""
        return int(getattr(self.hf.config, "max_position_embeddings", 0) or 1024)

    @cached_property
    def bridge(self) -> Any:
        """A TransformerLens bridge over the same weights, for TransformerLens's own tools and notebooks."""
        from transformer_lens.model_bridge import TransformerBridge

        shared = {id(tensor): tensor for tensor in (*self.hf.parameters(), *self.hf.buffers())}
        twin = copy.deepcopy(self.hf, shared)
        return TransformerBridge.boot_transformers(
            self.card.name, hf_model=twin, tokenizer=self.tokenizer, device=self.device, dtype=self.dtype
        )


def load_model(
    model_id: str,
    *,
    device: str = "auto",
    dtype: str = "auto",
    location: Path | None = None,
    on_step: OnLoad | None = None,
) -> LoadedModel:
    """Load a model by catalogue id, hub id, local folder (Hugging Face format) or GGUF file.

    Code shipped with a model is never run. Weights are frozen.

    Args:
        location: the folder to read where ``model_id`` is only a name, as of a model trained here.
        on_step: told how far a conversion of weights is, and what it is doing; other loads take seconds.

    Raises:
        ModelError: the model is not there, does not fit, or is not supported.
    """
    entry, chosen = find(model_id) if location is None else None, choose_device(device)
    size = entry.parameters if entry else _local_parameters(location or Path(model_id))
    precision = choose_dtype(dtype, chosen, size)
    refuse_if_too_large(entry.name if entry else model_id, size, precision, chosen)
    gguf = _gguf_file(model_id, entry)
    hf, tokenizer = _read(model_id, gguf or location or _place(model_id, entry), precision, chosen, on_step)
    return wrap(hf, tokenizer, model_id=entry.id if entry else model_id, entry=entry, gguf=gguf.name if gguf else None)


def wrap(hf: Any, tokenizer: Any, *, model_id: str, entry: Entry | None = None, gguf: str | None = None) -> LoadedModel:
    """Make a LoadedModel of a Hugging Face causal language model that is already in memory.

    Raises:
        ModelError: the architecture is not supported.
    """
    register()
    keep_freed_memory()
    hf.eval().requires_grad_(False)
    hf.set_attn_implementation(NAME)
    parts = find_parts(hf)
    shape = read_shape(hf, parts)
    card = ModelCard(
        model_id=model_id,
        name=entry.name if entry else Path(model_id).name,
        family=entry.family if entry else type(hf).__name__.removesuffix("ForCausalLM").removesuffix("LMHeadModel"),
        parameters=sum(p.numel() for p in hf.parameters()),
        n_layers=shape.n_layers,
        n_heads=shape.n_heads,
        n_kv_heads=shape.n_kv_heads,
        d_model=shape.d_model,
        d_mlp=shape.d_mlp,
        precision=str(hf.dtype).removeprefix("torch."),
        quantisation=f"dequantised from {gguf}" if gguf else "none",
        revision=getattr(hf.config, "_commit_hash", None) or fingerprint(hf),
        device=str(hf.device),
        notes=(entry.note,) if entry and entry.note else (),
    )
    return LoadedModel(model_id, hf, tokenizer, parts, shape, card)


def fingerprint(hf: Any) -> str:
    """Digest of every parameter's name, shape and a sample of its values."""
    digest = hashlib.sha256()
    for name, parameter in hf.named_parameters():
        flat = parameter.detach().flatten()
        sample = flat[:: max(1, len(flat) // 256)].float().cpu().numpy()
        digest.update(f"{name}{tuple(parameter.shape)}".encode() + sample.tobytes())
    return digest.hexdigest()[:12]


def _place(model_id: str, entry: Entry | None) -> str:
    """Where transformers finds the model: a hub id or a folder."""
    if entry is None:
        return model_id
    return str(SHIPPED / entry.location) if entry.source == "assets" else entry.location


def _gguf_file(model_id: str, entry: Entry | None) -> Path | None:
    """The GGUF file behind a model that is one, in a wheel or on disk."""
    if entry is None:
        path = Path(model_id)
        return path if path.suffix == ".gguf" else None
    if entry.source != "wheel":
        return None
    spec = importlib.util.find_spec(entry.location)
    if spec is None or spec.origin is None:
        raise ModelError(f"The package of {entry.name} is not installed.", next_step="Run `make install`.")
    return next(Path(spec.origin).parent.glob("*.gguf"))


def _local_parameters(path: Path) -> int:
    """Rough parameter count of a local model, from the size of its weight files at 2 bytes each; 0 if unknown."""
    files = path.glob("*.safetensors") if path.is_dir() else [path] if path.is_file() else []
    return sum(file.stat().st_size for file in files) // 2


def _read(
    model_id: str, place: Path | str, dtype: torch.dtype, device: torch.device, on_step: OnLoad | None
) -> tuple[Any, Any]:
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    if is_toy(Path(place)):
        toy, words = read_toy(Path(place), dtype)
        return toy.to(device), words
    logging.disable_progress_bar()
    hf: Any
    try:
        folder = dequantised(place, on_step) if isinstance(place, Path) and place.suffix == ".gguf" else place
        hf = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, trust_remote_code=False, use_safetensors=True)
        return hf.to(device), AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except torch.OutOfMemoryError as error:
        raise ModelError(f"{model_id} does not fit on {device}.", next_step="Choose a smaller model.") from error
    except OSError as error:
        raise ModelError(
            f"{model_id} was found neither on this machine nor on the model hub (or the hub is out of reach, or its "
            "licence is not yet accepted).",
            where="--model",
            next_step="`python -m core models` lists the known ids; a local folder in Hugging Face format works too.",
        ) from error
    except (ValueError, ImportError, KeyError) as error:
        reason = str(error).strip().splitlines()[0][:300]
        raise ModelError(f"{model_id} could not be read: {reason}", where="--model") from error
