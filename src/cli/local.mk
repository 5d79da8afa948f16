# The command: it includes forkpool.h and nothing else of the library.
