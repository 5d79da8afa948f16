# Manual pages of the library (the command's is in src/cli), and how it works.  Pages of one
# line are other names of a page.
dist_man_MANS += \
	doc/man/forkpool.7 \
	doc/man/forkpool_alloc.3 \
	doc/man/forkpool_apply.3 \
	doc/man/forkpool_apply_async.3 \
	doc/man/forkpool_at.3 \
	doc/man/forkpool_attempt.3 \
	doc/man/forkpool_cancelled.3 \
	doc/man/forkpool_close.3 \
	doc/man/forkpool_column.3 \
	doc/man/forkpool_cpu_count.3 \
	doc/man/forkpool_create.3 \
	doc/man/forkpool_destroy.3 \
	doc/man/forkpool_dispatch.3 \
	doc/man/forkpool_fail.3 \
	doc/man/forkpool_fail_text.3 \
	doc/man/forkpool_fd.3 \
	doc/man/forkpool_for.3 \
	doc/man/forkpool_for_async.3 \
	doc/man/forkpool_for_range.3 \
	doc/man/forkpool_for_range_async.3 \
	doc/man/forkpool_free.3 \
	doc/man/forkpool_imap.3 \
	doc/man/forkpool_job_cancel.3 \
	doc/man/forkpool_job_free.3 \
	doc/man/forkpool_job_get.3 \
	doc/man/forkpool_job_next.3 \
	doc/man/forkpool_job_ready.3 \
	doc/man/forkpool_job_wait.3 \
	doc/man/forkpool_join.3 \
	doc/man/forkpool_map.3 \
	doc/man/forkpool_map_async.3 \
	doc/man/forkpool_opts.3 \
	doc/man/forkpool_plugin.3 \
	doc/man/forkpool_progress.3 \
	doc/man/forkpool_reduce.3 \
	doc/man/forkpool_reduce_async.3 \
	doc/man/forkpool_refresh.3 \
	doc/man/forkpool_report.3 \
	doc/man/forkpool_report_format.3 \
	doc/man/forkpool_seed.3 \
	doc/man/forkpool_starmap.3 \
	doc/man/forkpool_starmap_async.3 \
	doc/man/forkpool_strerror.3 \
	doc/man/forkpool_task.3 \
	doc/man/forkpool_terminate.3 \
	doc/man/forkpool_version.3 \
	doc/man/forkpool_wait_any.3 \
	doc/man/forkpool_worker.3 \
	doc/man/forkpool_worker_state.3

EXTRA_DIST += doc/design.md doc/performance.md doc/performance doc/porting.md doc/promises.md doc/testing.md

# Every page against the header, every example through the compiler.
TESTS += tests/manual.sh
dist_check_SCRIPTS += tests/manual.sh
