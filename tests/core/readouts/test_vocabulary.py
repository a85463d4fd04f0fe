"""What nodes write, against writes computed by hand from the weights."""

import pytest
import torch

from core.errors import SpecError
from core.readouts.vocabulary import node_vocabulary
from tests.tiny import random_pairs, tiny_hf, tiny_model


class Numbers:
    """Stands in for a tokenizer: a token's text is its id."""

    all_special_ids: tuple = ()
    all_special_tokens: tuple = ()

    def convert_ids_to_tokens(self, ids):
        return [str(i) for i in ids] if isinstance(ids, list) else str(ids)

    def decode(self, ids, **_):
        return str(ids[0] if isinstance(ids, list) else ids)


@pytest.fixture
def model():
    model = tiny_model("llama")
    model.tokenizer = Numbers()
    return model


def hidden_and_block(pair, layer):
    hf = tiny_hf("llama")
    kept = {}
    block = hf.model.layers[layer]
    block.self_attn.o_proj.register_forward_pre_hook(lambda _, args: kept.update(z=args[0]))
    block.mlp.down_proj.register_forward_pre_hook(lambda _, args: kept.update(neuron=args[0]))
    with torch.no_grad():
        out = hf(torch.tensor([pair.clean_ids]), output_hidden_states=True)
    final = {}
    hf.model.norm.register_forward_pre_hook(lambda _, args: final.update(x=args[0]))
    with torch.no_grad():
        hf(torch.tensor([pair.clean_ids]))
    return hf, block, kept, final["x"], out


@pytest.mark.parametrize("kind", ["z", "neuron"])
def test_a_write_is_the_weights_times_the_activation(model, kind):
    pair, position, unit = random_pairs(1, 6, 2)[0], 4, 3
    hf, block, kept, final, _ = hidden_and_block(pair, 1)
    with torch.no_grad():
        if kind == "z":
            head = slice(unit * 8, unit * 8 + 8)
            write = block.self_attn.o_proj.weight[:, head] @ kept["z"][0, position, head]
        else:
            write = block.mlp.down_proj.weight[:, unit] * kept["neuron"][0, position, unit]
        x = final[0, position]
        shift = hf.lm_head(hf.model.norm(x)) - hf.lm_head(hf.model.norm(x - write))
        shift = shift - shift.mean()
    read = node_vocabulary(model, pair, kind=kind, layer=1, unit=unit, position=position, top=5)
    values, ids = shift.topk(5)
    assert [text for text, _ in read.promoted] == [str(i) for i in ids.tolist()]
    assert [value for _, value in read.promoted] == pytest.approx(values.tolist(), abs=1e-4)
    assert read.suppressed[0][1] == pytest.approx(shift.min().item(), abs=1e-4)


def test_a_value_is_read_through_all_heads_that_share_it(model):
    pair = random_pairs(1, 6, 2)[0]
    hf, block, kept, final, _ = hidden_and_block(pair, 0)
    with torch.no_grad():
        write = block.self_attn.o_proj.weight[:, 16:32] @ kept["z"][0, 5, 16:32]
        x = final[0, 5]
        shift = hf.lm_head(hf.model.norm(x)) - hf.lm_head(hf.model.norm(x - write))
    read = node_vocabulary(model, pair, kind="v", layer=0, unit=1, position=5, top=1)
    assert read.promoted[0][1] == pytest.approx((shift - shift.mean()).max().item(), abs=1e-4)


def test_nodes_that_do_not_exist_are_refused(model):
    pair = random_pairs(1, 6, 2)[0]
    for place in ({"layer": 3, "unit": 0, "position": 0}, {"layer": 0, "unit": 2, "position": 0}):
        with pytest.raises(SpecError, match="no v node"):
            node_vocabulary(model, pair, kind="v", **place)
