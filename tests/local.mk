EXTRA_DIST += tests/run tests/lib tests/e2e tests/e2e-bare tests/e2e-cgroup tests/e2e-disk tests/e2e-limits tests/e2e-systemd tests/golden/habits tests/bench/run quickstart .ci/run \
	README.md CONTRIBUTING.md LICENSE .clang-format docs/architecture.md docs/logs.md docs/store.md \
	docs/untrusted.md


EXTRA_PROGRAMS = tests/bench/floor tests/bench/timing
tests_bench_floor_SOURCES = tests/bench/floor.c
tests_bench_floor_CFLAGS = -std=gnu11 -O2 $(WARN_CFLAGS)
tests_bench_floor_LDFLAGS = -static
tests_bench_timing_SOURCES = tests/bench/timing.c
tests_bench_timing_CFLAGS = -std=gnu11 -O2 $(WARN_CFLAGS)

bench: all $(EXTRA_PROGRAMS)
	$(srcdir)/tests/bench/run $(abs_top_builddir) $(PARTS)

# Ten minutes of kills at random system calls; FAULT_SECONDS and FAULT_SEED say otherwise.
faults: all
	MOSS_BUILD=$(abs_top_builddir) MOSS_FAULT_SECONDS=$${FAULT_SECONDS:-600} MOSS_FAULT_SEED=$${FAULT_SEED:-} \
		bats $(srcdir)/tests/e2e/faults_random.bats
.PHONY: bench faults
