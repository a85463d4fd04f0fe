"""What a person should know about the loaded model at a glance."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class ModelCard:
    """Identity, sizes and precision of a loaded model; ``revision`` is a hub commit or a digest of the weights."""

    model_id: str
    name: str
    family: str
    parameters: int
    n_layers: int
    n_heads: int
    n_kv_heads: int
    d_model: int
    d_mlp: int
    precision: str
    quantisation: str
    revision: str
    device: str
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
