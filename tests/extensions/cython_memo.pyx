# cython: language_level=3
"""A class whose `__deepcopy__` is typed to take a dict and nothing else."""

import copy


cdef class Node:
    cdef public object below
    cdef public object shared
    cdef public object deepcopy

    def __init__(self, below=None, shared=None, deepcopy=copy.deepcopy):
        self.below = below
        self.shared = shared
        self.deepcopy = deepcopy

    def __deepcopy__(self, dict memo):
        cdef Node made = Node.__new__(Node)
        memo[id(self)] = made
        made.deepcopy = self.deepcopy
        made.below = self.deepcopy(self.below, memo)
        made.shared = self.deepcopy(self.shared, memo)
        return made


cdef class Counts:
    """Tells how many entries the dict has, without a look at its type by user code."""

    cdef public list seen

    def __init__(self):
        self.seen = []

    def __deepcopy__(self, dict memo not None):
        self.seen.append(len(memo))
        return self
