# The tests.
