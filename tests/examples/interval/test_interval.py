import copy
import unittest

import calque
from interval import Interval


class Intervals(unittest.TestCase):
    def test_an_interval_is_copied(self):
        interval = Interval(1, 2, ["label"])
        made = calque.deepcopy(interval)
        self.assertIsNot(made, interval)
        self.assertEqual((made.low, made.high, made.label), (1, 2, ["label"]))
        self.assertIsNot(made.label, interval.label)

    def test_wherever_it_lies(self):
        interval = Interval(0, 1)
        made = calque.deepcopy({"a": [interval], "b": (interval,)})
        self.assertIs(made["a"][0], made["b"][0])

    def test_a_label_may_lead_back(self):
        interval = Interval(0, 1)
        interval.label = [interval]
        made = calque.deepcopy(interval)
        self.assertIs(made.label[0], made)

    def test_an_error_in_the_label(self):
        with self.assertRaises(TypeError):
            calque.deepcopy(Interval(0, 1, [(i for i in "abc")]))

    def test_stdlib_cannot(self):
        with self.assertRaises(TypeError):
            copy.deepcopy(Interval(0, 1))


if __name__ == "__main__":
    unittest.main()
