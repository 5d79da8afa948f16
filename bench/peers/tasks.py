"""What pool.py lets its workers do.

A module of its own, so that no pool sends the functions themselves along with each task, as some do with those of
the main program.
"""

import time


def nothing(_):
    """An empty task."""


def millisecond(_):
    """A task that takes 1 ms of CPU time."""
    end = time.thread_time() + 0.001
    while time.thread_time() < end:
        pass
