"""The conversion of a GGUF file says how far it is."""

import pytest
from transformers import modeling_gguf_pytorch_utils as reading

from core.models import gguf
from core.models.gguf import TICKS, dequantised


def test_tensors_are_counted_where_transformers_shows_its_bar():
    own, counted = reading.tqdm, []
    with gguf._counted(lambda i, n: counted.append((i, n))):
        assert list(reading.tqdm("abc", desc="Converting")) == ["a", "b", "c"]
    assert counted == [(0, 3), (1, 3), (2, 3)]
    with pytest.raises(RuntimeError), gguf._counted(lambda i, n: None):
        raise RuntimeError
    assert reading.tqdm is own


def test_a_conversion_reports_and_a_kept_copy_has_nothing_to_say(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file, told = tmp_path / "tiny.gguf", []
    file.write_bytes(b"GGUF")

    def convert(file, folder, on_step):
        on_step(TICKS, TICKS, "dequantising")
        (folder / "config.json").write_text("{}")

    monkeypatch.setattr(gguf, "_convert", convert)
    folder = dequantised(file, lambda *step: told.append(step))
    assert told == [(TICKS, TICKS, "dequantising")]
    assert dequantised(file, lambda *step: told.append(step)) == folder
    assert len(told) == 1
