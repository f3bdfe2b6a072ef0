# Laneway: one file, out-of-tree. `make help` says what there is.
#
#   V=1          show the commands
#   SAN=1        build with AddressSanitizer and UBSan, into build/san
#   B=folder     build somewhere else
.DEFAULT_GOAL := all
MAKEFLAGS += --no-builtin-rules
PREFIX ?= /usr/local
PYTHON ?= /usr/bin/python3
SAN ?=
B ?= build$(if $(SAN),/san)
FB := build/fuzz
Q := $(if $(V),,@)

# --- what Debian 12 has to give -------------------------------------------------------------------
DEPS_BUILD := build-essential pkg-config libevent-dev libmosquitto-dev libsqlite3-dev libssl-dev \
  libjansson-dev libzstd-dev libconfuse-dev libphonenumber-dev libserialport-dev libsystemd-dev \
  libidn2-dev libicu-dev libcurl4-openssl-dev
DEPS_RUN := python3 mosquitto openssl
DEPS_TEST := e2fsprogs git mount libcmocka-dev python3-pytest python3-pytest-xdist python3-paho-mqtt python3-cryptography python3-zstandard \
  python3-selenium chromium chromium-driver iproute2 nftables zint zxing-cpp-tools idn2 clang libclang-rt-14-dev clang-format clang-tidy cppcheck
DEPS_BENCH := redis-server
DEPS := $(DEPS_BUILD) $(DEPS_RUN) $(DEPS_TEST)

.PHONY: deps
deps:
	$(Q)missing=$$(for p in $(DEPS); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q ' installed$$' || echo $$p; done); \
	[ -z "$$missing" ] && exit 0; \
	root=; [ "$$(id -u)" = 0 ] || root=sudo; \
	echo "installing:" $$missing; \
	$$root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 -qq update && \
	$$root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 -o APT::Sandbox::User=root -qq -y --no-install-recommends install $$missing >/dev/null || \
	{ echo "make deps: installing failed; by hand: apt-get install $$missing" >&2; exit 1; }

# --- flags ------------------------------------------------------------------------------------------
PKGS := libevent libevent_openssl libevent_pthreads libmosquitto sqlite3 libssl libcrypto jansson libzstd \
  libconfuse libserialport libsystemd libidn2 icu-uc libcurl
CC := gcc
CXX := g++
# Git speaks of this tree only where its top is here: a tree that was unpacked inside another one's is not that one.
GIT := $(if $(filter $(CURDIR),$(shell git rev-parse --show-toplevel 2>/dev/null)),git,false)
VERSION := $(shell $(GIT) describe --tags --always --dirty 2>/dev/null || echo 0)
# Certificates are held against this while the clock is not trusted, so it is never later than the build itself. Without git the
# newest source says it: `git archive` gives all files the commit's time.
NEWEST_S = $(shell find Makefile daemon include tools -type f -not -name '*.pyc' -printf '%T@\n' | sort -n | tail -n 1 | cut -d. -f1)
BUILT_S := $(or $(SOURCE_DATE_EPOCH),$(shell $(GIT) log -1 --format=%ct 2>/dev/null),$(NEWEST_S))
BUILT_S := $(shell now=$$(date +%s); [ "$(BUILT_S)" -gt $$now ] && echo $$now || echo $(BUILT_S))
WARN := -Wall -Wextra -Wshadow -Wconversion -Werror
CPPFLAGS = -D_GNU_SOURCE -Iinclude -Idaemon -Itools -I$(B)
CFLAGS = -std=c11 -O2 -g $(WARN) -fstack-protector-strong -D_FORTIFY_SOURCE=2 -pthread
CXXFLAGS = -std=c++17 -O2 -g -Wall -Wextra -Werror -fno-exceptions -pthread
LDFLAGS = -pthread -Wl,--as-needed
ifdef SAN
CFLAGS += -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined -U_FORTIFY_SOURCE
CXXFLAGS += -O1 -fsanitize=address,undefined
LDFLAGS += -fsanitize=address,undefined
endif
# Looked up when a rule runs, so that `make deps` works where nothing is installed yet.
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(PKGS)))$(PKG_CFLAGS)
LIBS = $(eval LIBS := $$(shell pkg-config --libs $(PKGS)) -lphonenumber -lstdc++)$(LIBS)

# --- what is built ----------------------------------------------------------------------------------
UI := $(wildcard daemon/serve/ui/*)
DAEMON_SRC := $(filter-out daemon/main.c,$(wildcard daemon/*.c daemon/*/*.c))
DAEMON_CXX := $(wildcard daemon/*/*.cc)
LIB_OBJ := $(DAEMON_SRC:%.c=$(B)/%.o) $(DAEMON_CXX:%.cc=$(B)/%.o)
tool_obj = $(patsubst %.c,$(B)/%.o,$(wildcard tools/$(1)/*.c tools/$(1)/*/*.c))
tool_lib = $(filter-out $(B)/tools/$(1)/main.o,$(call tool_obj,$(1)))
PROGRAMS := $(B)/lanewayd $(B)/laneway $(B)/laneway-hq $(B)/laneway-sim
UNIT_SRC := $(wildcard tests/unit/*_test.c)
UNIT := $(UNIT_SRC:tests/unit/%.c=$(B)/tests/%)
FUZZ_SRC := $(wildcard tests/fuzz/*_fuzz.c)
FUZZ_NAMES := $(FUZZ_SRC:tests/fuzz/%.c=%)

.PHONY: all
all: $(PROGRAMS)

$(B)/%.o: %.c
	@mkdir -p $(@D)
	@$(if $(V),,echo "  CC $<")
	$(Q)$(CC) $(CPPFLAGS) $(PKG_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
$(B)/%.o: %.cc
	@mkdir -p $(@D)
	@$(if $(V),,echo "  CXX $<")
	$(Q)$(CXX) $(CPPFLAGS) $(CXXFLAGS) -MMD -MP -c -o $@ $<
$(B)/daemon/serve/ui.o: $(UI)
$(B)/daemon/store/dictionary.o: $(wildcard daemon/store/dictionary/*)
# Only this object knows the version, and only a new version makes it anew.
$(B)/daemon/base/version.o $(FB)/daemon/base/version.o: CPPFLAGS += -DLANEWAY_VERSION='"$(VERSION)"' -DLANEWAY_BUILT_S=$(BUILT_S)
$(B)/daemon/base/version.o: $(B)/version.txt
$(B)/version.txt: FORCE
	@mkdir -p $(@D)
	@echo '$(VERSION) $(BUILT_S)' | cmp -s - $@ || echo '$(VERSION) $(BUILT_S)' >$@
.PHONY: FORCE

$(B)/liblaneway.a: $(LIB_OBJ)
	$(Q)rm -f $@; ar rcs $@ $^
$(B)/libtools.a: $(call tool_lib,hq) $(call tool_lib,sim) $(call tool_lib,laneway)
	$(Q)rm -f $@; ar rcs $@ $^

LINK = $(Q)$(CXX) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIBS)
$(B)/lanewayd: $(B)/daemon/main.o $(B)/liblaneway.a
	$(LINK)
$(B)/laneway: $(call tool_obj,laneway) $(B)/liblaneway.a
	$(LINK)
$(B)/laneway-hq: $(call tool_obj,hq) $(B)/liblaneway.a
	$(LINK)
$(B)/laneway-sim: $(call tool_obj,sim) $(B)/liblaneway.a
	$(LINK)
$(B)/laneway-bench: $(call tool_obj,bench) $(B)/libtools.a $(B)/liblaneway.a
	$(LINK)

# --- tests ------------------------------------------------------------------------------------------
.SECONDARY:
$(B)/tests/%_test: $(B)/tests/unit/%_test.o $(B)/libtools.a $(B)/liblaneway.a
	@mkdir -p $(@D)
	$(Q)$(CXX) $(LDFLAGS) -o $@ $^ $(LIBS) -lcmocka

# Properties: programs that make up histories and hold what comes of them against the rules.
property_obj = $(patsubst tests/property/%.c,$(B)/tests/property/%.o,$(wildcard $(1:%=tests/property/%.c)))
$(B)/tests/property/consent: $(call property_obj,consent consent_rules) $(B)/liblaneway.a
	$(LINK)
$(B)/tests/property/field: $(call property_obj,field) $(B)/liblaneway.a
	$(LINK)
$(B)/tests/property/links: $(call property_obj,links world world_json generate orders undo person person_said) $(B)/liblaneway.a
	$(LINK)
$(B)/tests/property/hq_links: $(call property_obj,hq_links world world_json generate person person_said) $(B)/libtools.a $(B)/liblaneway.a
	$(LINK)
# What the model is compared by is tested as well.
$(B)/tests/person_test: $(B)/tests/unit/person_test.o $(call property_obj,person person_said) $(B)/liblaneway.a
	@mkdir -p $(@D)
	$(Q)$(CXX) $(LDFLAGS) -o $@ $^ $(LIBS) -lcmocka
$(B)/tests/property/two_stores: $(call property_obj,two_stores two_stores_say two_stores_links two_stores_view two_stores_cause shop) $(B)/libtools.a $(B)/liblaneway.a
	$(LINK) -lcmocka
PROPERTY := $(addprefix $(B)/tests/property/,consent field links hq_links two_stores)

# The fault rig: the daemon's own main, with the linker's --wrap in front of its clock, its sockets, its waiting.
rig_obj = $(patsubst tests/fault/%.c,$(B)/tests/fault/%.o,$(wildcard $(1:%=tests/fault/%.c)))
RIG_OBJ := $(call rig_obj,base* disk*) # of both rigs
DISK_WRAP := open close write pwrite ftruncate truncate posix_fallocate fallocate fsync fdatasync rename link unlink fopen fclose
BASE_WRAP := clock_system clock_boot_id getrandom pthread_create malloc calloc realloc strdup $(DISK_WRAP)
STORE_WRAP := $(BASE_WRAP) clock_raw_system version_built_us journal_open journal_stop journal_commit_checkpoint \
  journal_retain_step journal_ahead_begin journal_back_start journal_back_stop journal_back_do journal_back_rest \
  journal_back_serve journal_salvage_all journal_sweep journal_wake queue_close queue_wait queue_wait_many \
  queue_pop_many queue_push_many flow_new flow_rebuild_start pos_new \
  pos_stop pos_free pos_port pos_send pos_send_error serve_new serve_free \
  serve_port event_base_dispatch
$(B)/tests/fault/lanewayd_main.o: daemon/main.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(PKG_CFLAGS) $(CFLAGS) -Dmain=lanewayd_main -MMD -MP -c -o $@ $<
$(B)/tests/fault/%_store: $(B)/tests/fault/%.o $(RIG_OBJ) $(call rig_obj,rig* subject_store) $(B)/tests/fault/lanewayd_main.o $(B)/liblaneway.a Makefile
	$(Q)$(CXX) $(LDFLAGS) $(STORE_WRAP:%=-Wl,--wrap=%) -o $@ $(filter %.o %.a,$^) $(LIBS)

HQ_WRAP := $(BASE_WRAP) mqtt_new mqtt_start mqtt_stop mqtt_free mqtt_fd mqtt_next mqtt_publish vault_tls_client vault_tls_free \
  hq_control_open hq_control_close hq_db_open hq_apply_step event_base_dispatch
$(B)/tests/fault/%_hq: $(B)/tests/fault/%.o $(RIG_OBJ) $(call rig_obj,hqrig* subject_hq) $(B)/libtools.a $(B)/liblaneway.a Makefile
	$(Q)$(CXX) $(LDFLAGS) $(HQ_WRAP:%=-Wl,--wrap=%) -o $@ $(filter %.o %.a,$^) $(LIBS) -lcmocka
$(B)/tests/fault/net_backlog $(B)/tests/fault/start_fill: %: %.o $(B)/liblaneway.a
	$(LINK)

FAULT := $(addprefix $(B)/tests/fault/,cut_store cut_hq fail_store fail_hq net_backlog start_fill) $(B)/laneway-bench

.PHONY: unit
unit: $(UNIT)
	@printf '%s\n' $(UNIT) | xargs -P $$((2 * $$(nproc))) -I{} sh tests/unit/run.sh {}
	@echo "unit: $(words $(UNIT)) programs, $$(cat $(UNIT:%=%.out) | awk '/PASSED/ { n += $$4 } END { print n }') tests passed"

FUZZ_FLAGS = -std=c11 -g -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -pthread
FUZZ_OBJ = $(DAEMON_SRC:%.c=$(FB)/%.o) $(DAEMON_CXX:%.cc=$(FB)/%.o) \
  $(patsubst %.c,$(FB)/%.o,$(filter-out %/main.c,$(wildcard tools/hq/*.c tools/hq/*/*.c)))
$(FB)/%.o: %.c
	@mkdir -p $(@D)
	$(Q)clang $(CPPFLAGS) $(PKG_CFLAGS) $(FUZZ_FLAGS) -MMD -MP -c -o $@ $<
$(FB)/%.o: %.cc
	@mkdir -p $(@D)
	$(Q)clang++ $(CPPFLAGS) -std=c++17 -g -O1 -fsanitize=fuzzer-no-link,address -MMD -MP -c -o $@ $<
$(FB)/libfuzzed.a: $(FUZZ_OBJ)
	$(Q)rm -f $@; ar rcs $@ $^
$(FB)/%_fuzz: $(FB)/tests/fuzz/%_fuzz.o $(FB)/libfuzzed.a
	$(Q)clang++ -fsanitize=fuzzer,address,undefined -pthread -o $@ $^ $(LIBS)
FUZZ_SECONDS ?= 5
JOBS := -j$(shell nproc)
.PHONY: fuzz
fuzz: deps
	$(Q)$(MAKE) --no-print-directory $(JOBS) fuzz-run
.PHONY: fuzz-run
fuzz-run: $(FUZZ_NAMES:%=$(FB)/%)
	@printf '%s\n' $^ | xargs -P $$(nproc) -I{} sh tests/fuzz/run.sh {} $(FUZZ_SECONDS)

.PHONY: lint
lint: deps
	$(Q)sh tests/lint/lint.sh

# Side by side, three to a core, for most of what they do is waiting. What measures times is marked `alone` and runs after
# the others, one after another.
PYTEST = $(PYTHON) -m pytest -q
BESIDE = -n $$((3 * $$(nproc))) --dist loadgroup -m 'not alone'
.PHONY: system
system: all
	$(Q)LANEWAY_BUILD=$(B) $(PYTEST) $(BESIDE) tests/system

# Defects put into a copy of the tree on purpose: each must make a test fail.
.PHONY: planted
planted: all $(FAULT)
	$(Q)$(PYTHON) tests/fault/planted.py

# The long forms: power cuts, failures one by one, kills, betrayal. LANEWAY_LONG=1 is what makes them long.
.PHONY: fault
fault: deps
	$(Q)$(MAKE) --no-print-directory $(JOBS) all $(FAULT)
	$(Q)LANEWAY_BUILD=$(B) LANEWAY_LONG=1 $(PYTEST) $(BESIDE) tests/fault
	$(Q)LANEWAY_BUILD=$(B) LANEWAY_LONG=1 $(PYTEST) -m alone tests/fault

# The long forms, and defects put into copies of the sources on purpose, each of which must be found. A run says its
# seed; PROPERTY_SEED=N repeats it.
PROPERTY_SEED ?= 0
.PHONY: property
property: deps
	$(Q)$(MAKE) --no-print-directory $(JOBS) $(PROPERTY)
	$(Q)$(B)/tests/property/consent $(PROPERTY_SEED) 1000000
	$(Q)$(B)/tests/property/field $(PROPERTY_SEED) 1000000
	$(Q)LANEWAY_BUILD=$(B) $(PYTHON) tests/property/links.py --long --seed $(PROPERTY_SEED)
	$(Q)$(B)/tests/property/hq_links $(PROPERTY_SEED) 3000
	$(Q)$(B)/tests/property/two_stores $(PROPERTY_SEED) 2000
	$(Q)LANEWAY_BUILD=$(B) $(PYTHON) tests/property/mutants.py
.PHONY: property-short
property-short: $(PROPERTY)
	$(Q)$(B)/tests/property/consent $(PROPERTY_SEED)
	$(Q)$(B)/tests/property/field $(PROPERTY_SEED)
	$(Q)LANEWAY_BUILD=$(B) $(PYTHON) tests/property/links.py --seed $(PROPERTY_SEED)
	$(Q)$(B)/tests/property/hq_links $(PROPERTY_SEED)
	$(Q)$(B)/tests/property/two_stores $(PROPERTY_SEED)

# All set-up included: on a fresh Debian machine this is the one command.
.PHONY: check
check: deps
	$(Q)$(MAKE) --no-print-directory lint
	$(Q)$(MAKE) --no-print-directory $(JOBS) SAN=1 all unit property-short
	$(Q)$(MAKE) --no-print-directory $(JOBS) all $(FAULT)
	$(Q)$(MAKE) --no-print-directory $(JOBS) fuzz-run
	$(Q)LANEWAY_BUILD=build LANEWAY_SAN=build/san $(PYTEST) $(BESIDE) tests/system tests/browser tests/fault
	$(Q)LANEWAY_BUILD=build LANEWAY_SAN=build/san $(PYTEST) -m alone tests/browser tests/fault

.PHONY: demo
SECONDS ?=
SEED ?= 1
demo: deps
	$(Q)$(MAKE) --no-print-directory $(JOBS) all
	$(Q)LANEWAY_BUILD=$(B) $(PYTHON) tools/demo/demo.py --seed $(SEED) $(if $(SECONDS),--seconds $(SECONDS))

.PHONY: bench
ONLY ?=
RUNS ?= 9
JSON ?=
bench:
	$(Q)$(MAKE) --no-print-directory deps DEPS="$(DEPS) $(DEPS_BENCH)"
	$(Q)$(MAKE) --no-print-directory $(JOBS) all $(B)/laneway-bench $(B)/tests/fault/net_backlog $(B)/tests/fault/start_fill
	$(Q)LANEWAY_BUILD=$(B) $(PYTHON) tools/bench/bench.py --runs $(RUNS) --only "$(ONLY)" $(if $(JSON),--json $(JSON))

.PHONY: install
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/lib/systemd/system $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man8
	install -m 755 $(B)/lanewayd $(DESTDIR)$(PREFIX)/sbin/
	install -m 755 $(B)/laneway $(B)/laneway-hq $(B)/laneway-sim $(DESTDIR)$(PREFIX)/bin/
	for u in lanewayd laneway-hq; do sed 's|/usr/local/|$(PREFIX)/|' dist/$$u.service >$(DESTDIR)$(PREFIX)/lib/systemd/system/$$u.service; done
	install -m 644 dist/man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	install -m 644 dist/man/*.8 $(DESTDIR)$(PREFIX)/share/man/man8/

.PHONY: clean
clean:
	rm -rf build

.PHONY: help
help:
	@echo "make demo              a broker, HQ, a store with three lanes and a simulated day; Ctrl-C ends it"
	@echo "make demo SECONDS=20   20 s of trading with three faults, then a comparison; fails if anything differs"
	@echo "make check             lint, unit tests (ASan, UBSan), fuzz harnesses for 5 s each, system, browser and fault tests; 10 minutes"
	@echo "make fault             the same faults for longer: 10,000 power cuts, failures one by one, kills, betrayal"
	@echo "make property          the properties of identity for 1,000,000 cases each, and defects that they must find"
	@echo "make planted           planted defects, each caught by a test; prints a table"
	@echo "make bench             speeds, side by side with peers and the physical limit; ONLY=durable,bytes for some rows, ONLY=duplicates with a million customers"
	@echo "make deps              install the Debian packages that are missing"
	@echo "make all | unit | system | fuzz | lint | install [PREFIX=/usr/local DESTDIR=] | clean"

-include $(shell find $(B) $(FB) -name '*.d' 2>/dev/null)
