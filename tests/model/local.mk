# The model of the engine: see doc/model.md.
models = \
	tests/model/bell.pml \
	tests/model/cancel.pml \
	tests/model/claim.pml \
	tests/model/doom.pml \
	tests/model/pins.pml \
	tests/model/sleep.pml
EXTRA_DIST += doc/model.md $(models) tests/model/kill.inc tests/model/run.sh

model:
	$(srcdir)/tests/model/run.sh
model-quick:
	$(srcdir)/tests/model/run.sh quick
.PHONY: model model-quick
