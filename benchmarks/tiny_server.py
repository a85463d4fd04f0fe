"""The app on a tiny random model, for measuring everything but the model: ``python -m benchmarks.tiny_server PORT``."""

from __future__ import annotations

import sys
from typing import Any

from streamlit.web import cli

from core.models import load
from core.models.load import LoadedModel, wrap
from tests.tiny import tiny_hf
from tests.ui.conftest import tiny_tokenizer


def tiny(model_id: str, **_: Any) -> LoadedModel:
    """Stands in for every model."""
    return wrap(tiny_hf("llama"), tiny_tokenizer(), model_id=model_id)


if __name__ == "__main__":
    load.load_model = tiny
    cli.main(["run", "app.py", "--server.port", sys.argv[1], "--server.address", "127.0.0.1"], standalone_mode=False)
