# slack-lambda-gateway
#
#	make			build/slack-lambda-gateway; on a fresh machine the toolchain, musl and BearSSL first
#	make demo		shows it at work: signed slash commands against the embedded backend
#	make run		the same, and leaves it running
#	make test		lint, unit, asan, a short fuzz, artifact, packaging and e2e; adds up what they count
#	make unit		unit tests, linked with musl like the program
#	make asan		the same tests with clang's address and undefined behaviour sanitizers
#	make fuzz		every fuzzer for FUZZ_SECONDS (60)
#	make artifact		properties of the built executable
#	make packaging		the archives of make dist, and scripts/deploy
#	make e2e		the program as a whole against fake peers
#	make conformance	against other implementations; make bench: speed and size, both too long for make test
#	make lint		that no include points up; make analyze: what clang's analyzer suspects
#	make dist		dist/*.zip with `bootstrap`, dist/*.oci.tar with a container image, and checksums
#	make size		what takes up the space
#	make clean		removes everything but the vendored libraries; make distclean those, too
#
# V=1 shows the commands. CI=1 turns warnings into errors. config.mk may override any variable.

CC = gcc
CLANG = clang
PYTHON = /usr/bin/python3
FUZZ_SECONDS = 60
-include config.mk

NAME := slack-lambda-gateway
ARCH := $(shell uname -m)
Q := $(if $(V),,@)
export LC_ALL := C
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc) -rR
endif

# Everything is found by its place; sort makes the link order, and so the bytes, the same everywhere.
SRCS := $(sort $(wildcard src/*.c src/*/*.c))
UNITS := $(sort $(wildcard tests/unit/*.c tests/support/*.c))
FUZZERS := $(sort $(wildcard tests/fuzz/*_fuzz.c))
BENCHES := $(sort $(wildcard tests/bench/*.c))
ANCHORS := $(sort $(wildcard vendor/anchors/*.pem))
FUZZ_BINS := $(FUZZERS:tests/fuzz/%.c=build/san/%)

VENDOR := build/vendor
MUSL := $(VENDOR)/musl
BEARSSL := $(VENDOR)/bearssl-src

# Compiled for size, because a page that need not be read is the fastest one at a cold start.
OPTIMIZE = -Oz $(SMALLER) -fno-move-loop-invariants -fno-tree-dominator-opts -fno-cse-follow-jumps -fno-tree-loop-im \
	-fno-inline-functions-called-once
# gcc does all of this at -Oz and makes the program 4 KiB larger with it. Arithmetic goes without the first two only, the others
# are worth it there.
SMALLER := -fno-thread-jumps -fno-caller-saves

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wcast-qual \
	-Wformat=2 -Wundef -Wwrite-strings $(if $(CI),-Werror)
CPPFLAGS := -std=c11 -D_GNU_SOURCE -Isrc -Itests -Itests/support -isystem $(BEARSSL)/inc
REPRODUCIBLE := -ffile-prefix-map=$(CURDIR)=.
MUSL_CFLAGS = -nostdinc -isystem $(MUSL)/include -isystem $(CC_INCLUDE) -pipe -fPIE -fstack-protector \
	-fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections -g $(CC_FLAGS) $(REPRODUCIBLE)
# The program is optimized as a whole when it is linked, which takes 12 KiB off. The objects hold ordinary code besides, for
# the links that only tests need, where it would be a waste of time.
LTO := -flto=auto -ffat-lto-objects -flto-partition=one
# A static PIE, linked by hand: gcc's own -static-pie would take glibc's start files. The kernel maps it at a random
# address, rcrt1.o relocates it, then main makes everything that needed relocation read-only.
MUSL_LINK = -nostdlib -static -Wl,-pie,--no-dynamic-linker,-z,text,-z,relro,-z,now,-z,noexecstack \
	-Wl,--gc-sections,--hash-style=gnu,--build-id=none,-O1$(LD_PACK),-T,src/program.ld $(MUSL)/lib/rcrt1.o $(MUSL)/lib/crti.o
MUSL_LIBS = $(VENDOR)/bearssl/libbearssl.a $(MUSL)/lib/libc.a $(CC_LIBGCC) $(MUSL)/lib/crtn.o

SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
SAN_CFLAGS := -g -O1 $(SANITIZE) -fsanitize=fuzzer-no-link

.PHONY: all run demo test unit asan fuzz fuzz-short artifact packaging e2e conformance bench lint analyze dist size clean distclean
.DELETE_ON_ERROR:
.PRECIOUS: build/musl/%.o

all: build/$(NAME)

# ---- the toolchain: what gcc is called on, asked once -----------------------------------------------------------------

ifeq ($(filter clean distclean,$(MAKECMDGOALS)),)
include build/toolchain.mk
endif

build/toolchain.mk: scripts/setup Makefile
	$(Q)scripts/setup build
	$(Q)mkdir -p build
	$(Q)for flag in -fcf-protection=none -malign-data=abi; do \
		echo 'int f;' | $(CC) $$flag -Werror -xc -c -o /dev/null - 2>/dev/null && flags="$$flags $$flag"; \
	done; pack=-z,pack-relative-relocs; \
	echo 'int f;' | $(CC) -nostdlib -shared -Wl,--fatal-warnings,$$pack -xc -o /dev/null - 2>/dev/null || pack=; \
	{ \
		echo "CC_FLAGS :=$$flags"; \
		echo "LD_PACK :=$${pack:+,$$pack}"; \
		echo "CC_INCLUDE := $$($(CC) -print-file-name=include)"; \
		echo "CC_LIBGCC := $$($(CC) -print-libgcc-file-name)"; \
	} >$@

# $(call remember,FILE,FLAGS): FILE is written when FLAGS are others than last time, and what depends on it is made anew, be they
# changed here, in config.mk, at the command line or by another compiler.
remember = $(if $(subst x$(2),,x$(file <$(1))),$(shell mkdir -p $(dir $(1)))$(file >$(1),$(2)))
LIBC_CFLAGS := -w -Os -fPIE
BEARSSL_CFLAGS = -std=c99 $(MUSL_CFLAGS) $(LTO) -fno-stack-protector $(SMALLER)
BEARSSL_SAN_CFLAGS = $(SAN_CFLAGS) -fno-sanitize=function -DBR_LE_UNALIGNED=0 -DBR_BE_UNALIGNED=0
ifneq ($(CC_INCLUDE),)
$(call remember,$(VENDOR)/musl.flags,$(CC) $(LIBC_CFLAGS))
$(call remember,$(VENDOR)/bearssl.flags,$(CC) $(filter-out $(REPRODUCIBLE),$(BEARSSL_CFLAGS)))
$(call remember,$(VENDOR)/bearssl-san.flags,$(CLANG) $(BEARSSL_SAN_CFLAGS))
$(call remember,build/program.flags,$(CC) $(OPTIMIZE) $(CPPFLAGS) $(MUSL_CFLAGS) $(LTO) $(MUSL_LINK))
$(call remember,build/san.flags,$(CLANG) $(CPPFLAGS) $(SAN_CFLAGS))
endif

# ---- vendored libraries -----------------------------------------------------------------------------------------------

$(VENDOR)/musl.stamp: vendor/fetch $(VENDOR)/musl.flags | build/toolchain.mk
	$(Q)vendor/fetch musl
	@echo '  BUILD   musl'
	$(Q)rm -rf $(VENDOR)/musl-obj && mkdir $(VENDOR)/musl-obj
	$(Q)cd $(VENDOR)/musl-obj && { ../musl-src/configure --disable-shared --prefix=$(CURDIR)/$(MUSL) CC='$(CC)' \
		CFLAGS='$(LIBC_CFLAGS) $(REPRODUCIBLE)' && \
		$(MAKE) install-libs install-headers; } >log 2>&1 || { tail -n 20 log >&2; exit 1; }
	$(Q)touch $@

$(VENDOR)/bearssl.stamp: vendor/fetch $(wildcard vendor/patches/*.patch) | build/toolchain.mk
	$(Q)vendor/fetch bearssl
	$(Q)touch $@

# Without zeroed locals, which would cost its arithmetic a tenth of the speed.
$(VENDOR)/bearssl/libbearssl.a: $(VENDOR)/bearssl.stamp $(VENDOR)/bearssl.flags $(VENDOR)/musl.stamp vendor/bearssl.mk
	@echo '  BUILD   bearssl'
	$(Q)rm -rf $(@D)
	$(Q)$(MAKE) --no-print-directory -f vendor/bearssl.mk SRC=$(BEARSSL) OUT=$(@D) CC='$(CC)' \
		CFLAGS='$(BEARSSL_CFLAGS)'

$(VENDOR)/bearssl-san/libbearssl.a: $(VENDOR)/bearssl.stamp $(VENDOR)/bearssl-san.flags vendor/bearssl.mk | build/setup-test
	@echo '  BUILD   bearssl (sanitized)'
	$(Q)rm -rf $(@D)
	$(Q)$(MAKE) --no-print-directory -f vendor/bearssl.mk SRC=$(BEARSSL) OUT=$(@D) CC='$(CLANG)' \
		CFLAGS='$(BEARSSL_SAN_CFLAGS)'

# BearSSL's own tool turns the trust anchors into C.
$(VENDOR)/brssl: $(VENDOR)/bearssl/libbearssl.a src/program.ld
	@echo '  BUILD   brssl'
	$(Q)$(CC) -w -Os -std=c99 -D_GNU_SOURCE $(MUSL_CFLAGS) -I$(BEARSSL)/inc -o $@ $(MUSL_LINK) $(BEARSSL)/tools/*.c $(MUSL_LIBS)

build/anchors.c: $(VENDOR)/brssl $(ANCHORS) Makefile
	@echo '  GEN     $@'
	$(Q)$(VENDOR)/brssl ta $(ANCHORS) 2>/dev/null >$@.tmp
	$(Q){ echo '/* Made by make from vendor/anchors. */'; echo '#include "net/anchors.h"'; \
		sed -e 's/^static const br_x509_trust_anchor TAs\[.*\]/const br_x509_trust_anchor anchors[]/' -e '/^#define TAs_NUM/d' $@.tmp; \
		echo 'const size_t anchors_count = sizeof anchors / sizeof anchors[0];'; } >$@
	$(Q)rm $@.tmp

# ---- objects: one set with musl, one with sanitizers ------------------------------------------------------------------

MUSL_OBJS := $(SRCS:%.c=build/musl/%.o) build/musl/anchors.o
SAN_OBJS := $(SRCS:%.c=build/san/%.o) build/san/anchors.o
ALL_OBJS := $(MUSL_OBJS) $(SAN_OBJS) $(UNITS:%.c=build/musl/%.o) $(UNITS:%.c=build/san/%.o) $(FUZZERS:%.c=build/san/%.o) \
	$(BENCHES:%.c=build/musl/%.o)

build/musl/%.o: %.c $(VENDOR)/musl.stamp $(VENDOR)/bearssl.stamp build/program.flags Makefile
	@echo '  CC      $<'
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(OPTIMIZE) $(CPPFLAGS) $(MUSL_CFLAGS) $(LTO) $(WARN) -MMD -MP -c -o $@ $<

build/san/%.o: %.c $(VENDOR)/bearssl.stamp build/san.flags Makefile | build/setup-test
	@echo '  CC san  $<'
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(CPPFLAGS) $(SAN_CFLAGS) $(WARN) -MMD -MP -c -o $@ $<

build/musl/anchors.o: build/anchors.c $(VENDOR)/musl.stamp build/program.flags Makefile
	$(Q)$(CC) -Os $(CPPFLAGS) $(MUSL_CFLAGS) -w -MMD -MP -c -o $@ $<

build/san/anchors.o: build/anchors.c build/san.flags Makefile | build/setup-test
	$(Q)$(CLANG) $(CPPFLAGS) $(SAN_CFLAGS) -w -MMD -MP -c -o $@ $<

-include $(wildcard $(ALL_OBJS:.o=.d))

# ---- the program ------------------------------------------------------------------------------------------------------

build/$(NAME): build/$(NAME).debug
	@echo '  STRIP   $@'
	$(Q)strip --strip-all -R .comment -o $@ $<

build/$(NAME).debug: $(MUSL_OBJS) $(VENDOR)/bearssl/libbearssl.a src/program.ld build/program.flags
	@echo '  LINK    $@'
	$(Q)$(CC) -o $@ $(OPTIMIZE) $(MUSL_CFLAGS) $(LTO) $(MUSL_LINK) $(MUSL_OBJS) $(MUSL_LIBS)

run: all
	$(Q)scripts/demo --stay

demo: all
	$(Q)scripts/demo

dist: all
	$(Q)scripts/setup dist
	$(Q)scripts/dist $(ARCH)

size: all
	$(Q)size build/$(NAME).debug
	$(Q)nm --print-size --size-sort --reverse-sort --radix=d build/$(NAME).debug | head -n 40

# ---- tests ------------------------------------------------------------------------------------------------------------

build/setup-test: scripts/setup
	$(Q)scripts/setup test
	$(Q)mkdir -p build && touch $@

build/musl/unit: $(filter-out build/musl/src/main.o,$(MUSL_OBJS)) $(UNITS:%.c=build/musl/%.o) $(VENDOR)/bearssl/libbearssl.a src/program.ld
	@echo '  LINK    $@'
	$(Q)$(CC) -o $@ $(MUSL_LINK) $(filter %.o,$^) $(MUSL_LIBS)

build/san/unit: $(filter-out build/san/src/main.o,$(SAN_OBJS)) $(UNITS:%.c=build/san/%.o) $(VENDOR)/bearssl-san/libbearssl.a
	@echo '  LINK    $@'
	$(Q)$(CLANG) $(SANITIZE) -o $@ $^

$(FUZZ_BINS): build/san/%: build/san/tests/fuzz/%.o $(filter-out build/san/src/main.o,$(SAN_OBJS)) $(VENDOR)/bearssl-san/libbearssl.a
	@echo '  LINK    $@'
	$(Q)$(CLANG) $(SANITIZE) -fsanitize=fuzzer -o $@ $^

unit: build/musl/unit
	$(Q)build/musl/unit $(ARGS)

asan: build/san/unit
	$(Q)build/san/unit $(ARGS)

fuzz: $(FUZZ_BINS)
	$(Q)tests/fuzz/run $(FUZZ_SECONDS) $(FUZZ_BINS)

fuzz-short: $(FUZZ_BINS)
	$(Q)tests/fuzz/run 5 $(FUZZ_BINS)

artifact: all
	+$(Q)MAKE='$(MAKE)' tests/artifact

packaging: dist build/setup-test
	$(Q)$(PYTHON) tests/packaging

e2e: all build/setup-test
	$(Q)$(PYTHON) -m pytest -q -p no:cacheprovider -n 8 tests/e2e $(ARGS)

conformance: all build/setup-test
	$(Q)tests/conformance/run $(ARGS)

# What the program is measured against is compiled, linked and stripped as it is.
build/bench/%: build/musl/tests/bench/%.o $(VENDOR)/bearssl/libbearssl.a src/program.ld
	@echo '  LINK    $@'
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -o $@ $(MUSL_LINK) $< $(MUSL_LIBS)
	$(Q)strip --strip-all -R .comment $@

bench: all $(BENCHES:tests/bench/%.c=build/bench/%)
	$(Q)scripts/setup bench
	$(Q)tests/bench/run $(ARGS)

lint:
	$(Q)scripts/include-check
	$(Q)scripts/format-check

# What clang's analyzer suspects, to be read and judged: it sees one file at a time, and each version sees other things.
analyze: build/setup-test $(VENDOR)/bearssl.stamp
	$(Q)for source in $(SRCS); do $(CLANG) --analyze --analyzer-output text $(CPPFLAGS) $$source; done

test: build/setup-test
	+$(Q)MAKE='$(MAKE)' scripts/tally lint unit asan fuzz-short artifact packaging e2e

clean:
	$(Q)rm -rf build/musl build/san build/bench build/fuzz build/anchors.c build/$(NAME) build/$(NAME).debug dist

distclean:
	$(Q)rm -rf build dist
