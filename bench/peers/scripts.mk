# The peers that are scripts: Python's pools, GNU parallel, R's.  They are run where they lie, by $(PYTHON) and $(RSCRIPT).
EXTRA_DIST += bench/peers/mclapply.R bench/peers/pool.py bench/peers/tasks.py
TESTS += tests/script_peers.sh
dist_check_SCRIPTS += tests/script_peers.sh
