"""The app in process, with a tiny random model in place of the default one and a results directory of its own."""

import time

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from tokenizers import Regex, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split
from transformers import PreTrainedTokenizerFast

from core.models import load
from core.models.load import wrap
from core.prompts.pairs import PairSet, PromptPair
from tests.tiny import VOCAB, tiny_hf
from ui.shell import store
from ui.shell.worker import worker

WORDS = "[UNK] , . Mary John Tom Anna When Then and met gave it to the cat dog sat is are"
PATIENCE = 240.0  # seconds; a busy machine may need most of them

PAIRS = PairSet(
    "tiny pairs",
    (
        PromptPair(
            "When Mary and John met, John gave it to", "When Mary and John met, Mary gave it to", " Mary", " John"
        ),
        PromptPair("When Tom and Anna met, Anna gave it to", "When Tom and Anna met, Tom gave it to", " Tom", " Anna"),
    ),
)


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """Words with and without the space before them, one token each."""
    bare = WORDS.split()
    words = [*bare, *(f" {word}" for word in bare[3:])]
    assert len(words) <= VOCAB
    inner = Tokenizer(WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    inner.pre_tokenizer = Split(Regex(r" ?[^ .,]+|[ .,]"), "isolated")
    return PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="[UNK]")


@pytest.fixture
def open_page(monkeypatch, tmp_path):
    """Opens a page as a link does, and runs it until no job is left."""
    monkeypatch.setenv("CIRCUITARIUM_RESULTS", str(tmp_path))
    monkeypatch.delenv("CIRCUITARIUM_ALLOW_ANY_MODEL", raising=False)
    tokenizer = tiny_tokenizer()
    monkeypatch.setattr(load, "load_model", lambda model_id, **_: wrap(tiny_hf("llama"), tokenizer, model_id=model_id))
    st.cache_resource.clear()

    def open_it(page: str = "home", **query: str) -> AppTest:
        app = AppTest.from_file("../../app.py", default_timeout=PATIENCE)
        app.query_params.update(query)
        app.run()
        if page != "home":
            app.switch_page(f"pages/{page}.py").run()
        return settle(app)

    yield open_it
    worker().close()
    st.cache_resource.clear()


def settle(app: AppTest) -> AppTest:
    """Run again until the queue is empty and the page has seen that."""
    end = time.monotonic() + PATIENCE
    while worker().queue() and time.monotonic() < end:
        time.sleep(0.02)
    app.run()
    assert not app.exception, app.exception[0].value
    return app


@pytest.fixture
def tiny_pairs(open_page) -> str:
    """The id under which links find the tiny pairs."""
    return store.save_pairs(PAIRS)


def text_of(app: AppTest) -> str:
    """Everything a person can read as text."""
    kinds = (app.title, app.subheader, app.markdown, app.caption, app.error, app.warning, app.info)
    return "\n".join(element.value for kind in kinds for element in kind)
