"""Loss and gradient of a group of runs on their own examples, derived by hand.

The same network as ``net.logits``, forwards and backwards, with every large array allocated once and reused. Against
autograd over the same batched products this is 1.3 to 1.5 times as fast (``benchmarks.grokking`` measures it), and the
gradient of the loss keeps its digits (``loss``). The tests compare it with autograd in float64.

Names: g runs, n examples, h heads, C cases (0: x, 1: y, 2: the operation, 3: the equals sign), d the width.
"""

from __future__ import annotations

import torch
from torch import Tensor

from core.labs.grokking.training.loss import odds
from core.labs.grokking.training.net import token_table, views
from core.labs.grokking.training.sizes import Net


class Step:
    """Memory and examples of one group of runs.

    Args:
        flat: weights [g, size]; read at every call of ``run``, so an optimiser may change them in place.
        x, y, answer: int64 [g, n].
        weight: [g, n], what an example counts in its run's loss: 1 / (number of examples), 0 for padding.
    """

    def __init__(self, net: Net, flat: Tensor, x: Tensor, y: Tensor, answer: Tensor, weight: Tensor):
        self.net, self.grad = net, torch.zeros_like(flat)
        self.weights, self.grads = views(net, flat), views(net, self.grad)
        self.answer, self.weight = answer[..., None], weight[..., None].to(flat.dtype)
        (g, n), d, h, p = x.shape, net.d_model, net.n_heads, net.p
        first = torch.arange(g, device=x.device)[:, None] * (2 * p + 2)
        self.rows = [(x + first).flatten(), (y + first + p).flatten()]  # of the table of cases, runs one after another
        self.hot = [_one_hot(symbols, p, flat) for symbols in (x, y)]
        # Head h of a case's value, alone: [2 h, d] zeros except the head's own columns.
        self.own = torch.block_diag(*[flat.new_ones(1, net.d_head)] * h).repeat(2, 1)

        def memory(*shape: int) -> Tensor:
            return flat.new_empty(g, n, *shape)

        self.looked_up = [memory(d + h), memory(d + h)]
        self.pattern, self.d_pattern = memory(4, h), memory(4, h)
        self.z, self.stream, self.out = memory(d), memory(d), memory(d)
        self.hidden, self.d_hidden = memory(net.d_mlp), memory(net.d_mlp)
        self.d_stream, self.d_z, self.product = memory(d), memory(d), memory(d)
        self.scattered, self.logits = memory(d + h), memory(p)

    @torch.no_grad()
    def run(self) -> Tensor:
        """Fill ``grad`` [g, size] and return the loss [g] of the present weights."""
        self._attend()
        self._answer()
        loss = self._loss()
        self._answer_backward()
        self._attend_backward()
        return loss

    def _attend(self) -> None:
        """Table of cases, lookup, attention: fills ``pattern`` and ``z``."""
        w, net, p2 = self.weights, self.net, 2 * self.net.p
        d, heads = net.d_model, (net.n_heads, net.d_head)
        self.table = token_table(w)
        self.last = self.table[:, -1:]
        self.query = torch.bmm(self.last, w["q"]).view(-1, *heads, 1) * net.d_head**-0.5
        self.key_weights = w["k"].unflatten(-1, heads).permute(0, 2, 1, 3)  # [g, h, d, d_head]
        self.reads = torch.matmul(self.key_weights, self.query)[..., 0].transpose(1, 2).contiguous()  # [g, d, h]
        cases = torch.cat([torch.bmm(self.table, w["v"]), torch.bmm(self.table, self.reads)], dim=2)
        for rows, into in zip(self.rows, self.looked_up):
            torch.index_select(cases.view(-1, d + net.n_heads), 0, rows, out=into.view(-1, d + net.n_heads))
        fixed_values, fixed_scores = cases[:, p2:].split([d, net.n_heads], dim=2)
        _softmax(self.pattern, self.looked_up[0][..., d:], self.looked_up[1][..., d:], fixed_scores)
        self.fixed = fixed_values.repeat_interleave(net.n_heads, dim=1) * self.own  # [g, 2 h, d]
        torch.bmm(self.pattern[:, :, 2:].flatten(2), self.fixed, out=self.z)
        for case, values in enumerate(self._values()):
            self.z.unflatten(-1, heads).addcmul_(self.pattern[:, :, case, :, None], values)

    def _answer(self) -> None:
        """From ``z`` to ``logits``."""
        w = self.weights
        torch.baddbmm(self.last, self.z, w["o"], out=self.stream)
        torch.baddbmm(w["b_in"][:, None], self.stream, w["w_in"], out=self.hidden).relu_()
        torch.baddbmm(w["b_out"][:, None], self.hidden, w["w_out"], out=self.out).add_(self.stream)
        torch.bmm(self.out, w["unembed"], out=self.logits)

    def _loss(self) -> Tensor:
        """The loss; ``logits`` become its gradient."""
        e, wrong = odds(self.logits, self.answer)
        share = self.weight / (1 + wrong)
        e.mul_(share).scatter_(-1, self.answer, -wrong * share)
        return (torch.log1p(wrong) * self.weight).sum((1, 2))

    def _answer_backward(self) -> None:
        """From the gradient of the logits to ``d_stream``."""
        w, grads, d_stream, d_hidden = self.weights, self.grads, self.d_stream, self.d_hidden
        torch.bmm(self.out.mT, self.logits, out=grads["unembed"])
        torch.bmm(self.logits, w["unembed"].mT, out=d_stream)
        torch.sum(d_stream, 1, out=grads["b_out"])
        torch.bmm(self.hidden.mT, d_stream, out=grads["w_out"])
        torch.bmm(d_stream, w["w_out"].mT, out=d_hidden)
        d_hidden.mul_(self.hidden.sign_())  # the slope of the ReLU; the activations are not needed any more
        torch.sum(d_hidden, 1, out=grads["b_in"])
        torch.bmm(self.stream.mT, d_hidden, out=grads["w_in"])
        d_stream.baddbmm_(d_hidden, w["w_in"].mT)

    def _attend_backward(self) -> None:
        """From ``d_stream`` to the gradients of attention and embeddings."""
        w, grads, net = self.weights, self.grads, self.net
        torch.bmm(self.z.mT, self.d_stream, out=grads["o"])
        torch.bmm(self.d_stream, w["o"].mT, out=self.d_z)
        self._softmax_backward()
        d_values, d_scores = self._gather_cases().split([net.d_model, net.n_heads], dim=2)
        torch.bmm(self.table.mT, d_values, out=grads["v"])
        d_table = torch.bmm(d_values, w["v"].mT).baddbmm_(d_scores, self.reads.mT)
        d_reads = torch.bmm(self.table.mT, d_scores).mT[..., None]  # [g, h, d, 1]
        d_keys = (d_reads * self.query.mT).permute(0, 2, 1, 3)
        grads["k"].unflatten(-1, (net.n_heads, net.d_head)).copy_(d_keys)
        d_query = torch.matmul(self.key_weights.mT, d_reads).view(-1, 1, net.d_model) * net.d_head**-0.5
        torch.bmm(self.last.mT, d_query, out=grads["q"])
        d_table[:, -1:] += torch.bmm(d_query, w["q"].mT) + self.d_stream.sum(1, keepdim=True)
        self._token_backward(d_table)

    def _softmax_backward(self) -> None:
        """``d_z`` to ``d_pattern``, the gradient of the scores."""
        heads = (self.net.n_heads, self.net.d_head)
        d_z, product = self.d_z.unflatten(-1, heads), self.product.unflatten(-1, heads)
        for case, values in enumerate(self._values()):
            torch.mul(d_z, values, out=product)
            torch.sum(product, -1, out=self.d_pattern[:, :, case])
        self.d_pattern[:, :, 2:] = torch.bmm(self.d_z, self.fixed.mT).unflatten(-1, (2, -1))
        mean = _over_cases(self.pattern * self.d_pattern)
        self.d_pattern.sub_(mean[:, :, None]).mul_(self.pattern)

    def _gather_cases(self) -> Tensor:
        """Gradients of the values and scores of every case [g, 2 p + 2, d + h], summed over examples.

        Sums go through products with one-hot matrices: deterministic on every device, and fast on all of them.
        """
        net, p = self.net, self.net.p
        heads, d = (net.n_heads, net.d_head), net.d_model
        total = self.table.new_empty(len(self.table), 2 * p + 2, d + net.n_heads)
        for case, hot in enumerate(self.hot):
            into = self.scattered[..., :d].unflatten(-1, heads)
            torch.mul(self.pattern[:, :, case, :, None], self.d_z.unflatten(-1, heads), out=into)
            self.scattered[..., d:] = self.d_pattern[:, :, case]
            total[:, case * p : (case + 1) * p] = torch.bmm(hot, self.scattered)
        every_head = torch.bmm(self.pattern[:, :, 2:].flatten(2).mT, self.d_z) * self.own
        total[:, 2 * p :, :d] = every_head.unflatten(1, (2, -1)).sum(2)
        total[:, 2 * p :, d:] = self.d_pattern[:, :, 2:].sum(1)
        return total

    def _token_backward(self, d_table: Tensor) -> None:
        p = self.net.p
        as_x, as_y, fixed = d_table.split([p, p, 2], dim=1)
        torch.add(as_x, as_y, out=self.grads["embed"][:, :p])
        self.grads["embed"][:, p:] = fixed
        at = self.grads["pos"]
        at[:, 0], at[:, 1], at[:, 2], at[:, 3] = as_x.sum(1), fixed[:, 0], as_y.sum(1), fixed[:, 1]

    def _values(self) -> list[Tensor]:
        """What heads read at x and at y, each [g, n, h, d_head]."""
        net = self.net
        return [found[..., : net.d_model].unflatten(-1, (net.n_heads, net.d_head)) for found in self.looked_up]


def _one_hot(symbols: Tensor, p: int, like: Tensor) -> Tensor:
    """[g, p, n], 1 where the example shows the symbol."""
    zeros = like.new_zeros(symbols.shape[0], p, symbols.shape[1])
    return zeros.scatter_(1, symbols[:, None], 1.0)


def _softmax(pattern: Tensor, as_x: Tensor, as_y: Tensor, fixed: Tensor) -> None:
    """Over the four cases of each head; the last two have the same scores [g, 2, h] in every example."""
    pattern[:, :, 0], pattern[:, :, 1], pattern[:, :, 2:] = as_x, as_y, fixed[:, None]
    top = torch.maximum(torch.maximum(as_x, as_y), fixed.amax(1, keepdim=True))
    pattern.sub_(top[:, :, None]).exp_()
    pattern.div_(_over_cases(pattern)[:, :, None])


def _over_cases(values: Tensor) -> Tensor:
    """Sum of [g, n, 4, h] over cases; adding slices is several times as fast as ``sum`` over so short an axis."""
    return (values[:, :, 0] + values[:, :, 1]).add_(values[:, :, 2]).add_(values[:, :, 3])
