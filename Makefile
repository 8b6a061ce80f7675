# Everything is built by meson; these are the commands people type.
BUILD   ?= build
PREFIX  ?= /usr/local
MESON   ?=
FUZZ_S  ?= 60
PYTHON3  = $$(scripts/python)

# One report anywhere is a failure; see tests/support/mcp_client.py for how it is noticed.
SANITIZE = ASAN_OPTIONS=exitcode=99:detect_stack_use_after_return=1:allocator_may_return_null=1 \
           UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 MCP_SSH_TEST_EXIT_S=10

.PHONY: all demo test bench sanitize lint fuzz install clean
all: $(BUILD)/build.ninja
	@ninja -C $(BUILD) --quiet
	@ln -sf src/mcp-ssh-session $(BUILD)/mcp-ssh-session

$(BUILD)/build.ninja:
	@scripts/deps build
	@meson setup $(BUILD) --prefix=$(PREFIX) $(MESON) >/dev/null || { cat $(BUILD)/meson-logs/meson-log.txt; false; }

demo:
	@scripts/deps build demo
	@$(MAKE) --no-print-directory all
	@python3 scripts/demo $(BUILD)/mcp-ssh-session $(HOST)

test:
	@scripts/deps build test
	@$(MAKE) --no-print-directory all
	@$(PYTHON3) scripts/run_tests $(BUILD)

sanitize:
	@scripts/deps build test
	@$(MAKE) --no-print-directory all BUILD=$(BUILD)-asan \
	        MESON="$(MESON) -Db_sanitize=address,undefined -Db_lundef=false --buildtype=debug -Doptimization=1"
	@$(SANITIZE) $(PYTHON3) scripts/run_tests $(BUILD)-asan

lint: # of its own: clang-tidy understands only the flags that clang was found to know
	@scripts/deps build lint
	@test -f $(BUILD)-lint/build.ninja || CC=clang meson setup $(BUILD)-lint $(MESON) >/dev/null
	@scripts/lint $(BUILD)-lint

bench:
	@scripts/deps build demo
	@$(MAKE) --no-print-directory all
	@python3 tests/bench/bench.py $(BUILD)

fuzz:
	@scripts/deps build lint
	@CC=clang $(MAKE) --no-print-directory all BUILD=$(BUILD)-fuzz \
	        MESON="$(MESON) -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false -Dc_args=-fsanitize=fuzzer-no-link"
	@scripts/fuzz $(BUILD)-fuzz $(FUZZ_S)

install: all
	@meson install -C $(BUILD) --no-rebuild --quiet

clean:
	@rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-fuzz $(BUILD)-lint
