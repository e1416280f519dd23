"""Threads when there is no room for them."""

import threading
import unittest

from skerry_runtime import threads


class _Crowded(threading.Thread):
    """A thread that finds room only at the third try."""

    def __init__(self) -> None:
        super().__init__()
        self.tries = 0
        self.ran = threading.Event()

    def start(self) -> None:
        self.tries += 1
        if self.tries < 3:
            raise RuntimeError("can't start new thread")
        super().start()

    def run(self) -> None:
        self.ran.set()


class Start(unittest.TestCase):
    def test_waits_for_room(self) -> None:
        thread = _Crowded()
        threads.start(thread)
        self.assertTrue(thread.ran.wait(5))
        self.assertEqual(thread.tries, 3)

    def test_gives_up_after_its_patience(self) -> None:
        with self.assertRaises(RuntimeError):
            threads.start(_Crowded(), patience=0.0)

    def test_does_not_take_a_second_start_for_a_lack_of_room(self) -> None:
        thread = threading.Thread(target=lambda: None)
        threads.start(thread)
        with self.assertRaises(RuntimeError):
            threads.start(thread)


if __name__ == "__main__":
    unittest.main()
