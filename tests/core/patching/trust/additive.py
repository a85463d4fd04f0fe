"""An oracle whose effects add, with a count of the forwards it was asked for."""

import numpy as np


class Additive:
    """``table`` is ``[pair, node]``; the effect of a subset is the sum of its nodes', and ``twist`` on top of it."""

    def __init__(self, table, twist=None):
        self.table, self.twist, self.asked = np.atleast_2d(np.asarray(table, float)), twist, 0

    @property
    def n_nodes(self):
        return self.table.shape[1]

    @property
    def n_pairs(self):
        return self.table.shape[0]

    def effects(self, nodes):
        self.asked += self.n_pairs * len(nodes)
        return self.table[:, nodes]

    def joint(self, members, pairs):
        self.asked += len(members)
        plain = (members * self.table[pairs]).sum(1)
        return plain if self.twist is None else plain + self.twist(members)
