# slack-lambda-gateway
#
#	make			build/slack-lambda-gateway
#	make setup		installs what is missing, on Debian; FOR=build, demo, dist, test
#				(default), cross, bench or eva
#	make demo		shows it at work: signed slash commands against the embedded
#				backend
#	make run		the same, and leaves it running
#	make test		lint, unit, asan, ctime, arithmetic, a short fuzz, chains, simulate,
#				artifact, packaging and e2e; adds up what they count
#	make unit		unit tests, linked with musl like the program
#	make asan		the same tests with clang's address and undefined behaviour
#				sanitizers
#	make ctime		whether the time of arithmetic depends on secrets
#	make arithmetic		keys and signatures against OpenSSL's; ARGS=N for N inputs
#	make asan-e2e		the program as a whole, with these sanitizers in it
#	make tsan		the same with clang's thread sanitizer
#	make soak		everything at once for SECONDS (900), with faults at random and a
#				program that is killed; SEED=N as then
#	make fuzz		every fuzzer for FUZZ_SECONDS (60)
#	make artifact		properties of the built executable
#	make packaging		the archives of make dist, and scripts/deploy
#	make e2e		the program as a whole against fake peers
#	make chains		certificate chains of every kind, beside OpenSSL
#	make conformance	against other implementations
#	make simulate		runs in a simulated world, each from a seed, and a fault sweep;
#				ARGS='--seed X' repeats one
#	make bench		speed, memory and size, beside programs in Rust, Go, JavaScript and
#				Python; ARGS=STAGE for one
#	make cross		builds for arm64, armv7 and riscv64, tried under qemu, and packages
#				for all
#	make lint		that includes point down, formats fit their arguments, lines fit 100
#				columns, and documents name what exists
#	make analyze		what clang's analyzer suspects
#	make eva		what Frama-C proves of decoders (Debian: frama-c-base): no undefined
#				behaviour up to a bound
#	make dist		dist/: programs, ZIPs for Lambda, a container image, packages, SBOM,
#				checksums, for this machine and each that a cross compiler is
#				installed for; with CROSS=, for that one alone
#	make install		program, man page, completions and systemd units, below PREFIX
#				(/usr/local) and DESTDIR
#	make size		what takes up the space
#	make help		this text
#	make clean		removes everything but the vendored libraries; make distclean
#				removes those, too
#
# Variables, here, in the environment of config.mk, or on the command line:
#
#	CC=clang		another compiler
#	CROSS=aarch64-linux-gnu-	builds for another machine, below build/aarch64-linux-gnu/
#	CI=1			turns warnings into errors
#	V=1			shows the commands

CC = $(CROSS)gcc
AR = $(CROSS)ar
RANLIB = $(CROSS)ranlib
STRIP = $(CROSS)strip
CLANG = clang
PYTHON = /usr/bin/python3
FUZZ_SECONDS = 60
OUT = build$(addprefix /,$(CROSS:%-=%))
-include config.mk

NAME := slack-lambda-gateway
comma := ,
ARCH := $(or $(firstword $(subst -, ,$(CROSS))),$(patsubst armv%,arm,$(shell uname -m)))
Q := $(if $(V),,@)
export LC_ALL := C
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc) -rR
endif
ifneq ($(CROSS),)
ifneq ($(findstring clang,$(CC)),)
override CC += --target=$(CROSS:%-=%)
endif
endif

# Everything is found by its place; sort makes the link order, and so the bytes, the same
# everywhere.
SRCS := $(sort $(wildcard src/*.c src/*/*.c))
UNITS := $(sort $(wildcard tests/unit/*.c tests/support/*.c))
# Compiled without optimization, which takes longer than they run: all but those that compute much.
QUICK_UNITS := $(filter-out $(patsubst %,tests/unit/%_test.c,mont utf8),$(UNITS))
SIMULATION := $(sort $(wildcard tests/simulate/*.c))
FUZZERS := $(sort $(wildcard tests/fuzz/*_fuzz.c))
BENCHES := $(sort $(wildcard tests/bench/*.c))
ANCHORS := $(sort $(wildcard vendor/anchors/*.pem))
FUZZ_BINS := $(FUZZERS:tests/fuzz/%.c=build/san/%)

# What runs before GET /next is linked first, and what it needs of the C library behind it: four
# page faults less.
START := src/main.c \
	$(addprefix src/aws/,credential_chain.c endpoint.c instance_metadata.c) \
	$(addprefix src/base/,arena.c buf.c clock.c deadline.c environment.c log.c str.c) \
	src/codec/authority.c \
	$(addprefix src/crypto/,cpu.c ct.c hmac.c sha256.c sha256_cpu.c) \
	$(addprefix src/gateway/,config.c template.c) \
	$(addprefix src/http/,attempt.c client.c pool.c request.c retry.c) \
	src/lambda/runtime.c \
	$(addprefix src/net/,address.c dial.c proxy.c resolve.c stream.c tcp.c) \
	$(addprefix src/os/,lock.c log_writer.c memory.c process.c variables.c) \
	$(addprefix src/service/,dedupe.c outside.c services.c signing_secrets.c) \
	src/slack/verify.c src/x509/trust.c

# What hardly a Lambda function runs is linked last, with what it alone needs of the libraries: the
# kernel maps 16 pages around each that is touched, and most of these stay out of memory.
COLD := $(sort $(wildcard src/cli/*.c src/listener/*.c)) \
	$(addprefix src/aws/,profile.c profile_in_use.c profile_source.c roles_anywhere.c sts.c) \
	$(addprefix src/crypto/,pkey.c rsa_cpu.c) \
	$(addprefix src/http/,server.c websocket.c) \
	$(addprefix src/net/,listen.c place.c tls_server.c) \
	$(addprefix src/os/,accounts.c child.c systemd.c) \
	$(addprefix src/service/,credential_process.c journal.c metrics.c recent.c) \
	src/x509/identity.c

# Sources are shared by all targets, libraries are not.
SOURCES := build/vendor
VENDOR := $(OUT)/vendor
MUSL := $(VENDOR)/musl
BEARSSL := $(SOURCES)/bearssl-src

# For speed where it shows, for size elsewhere: the limit is 448 KiB. Against -Os throughout, these
# files and BearSSL take 13% off the instructions to GET /next and for a warm event; all others
# together would take another 1% and add 60 KiB. Aligned branches and loops save nothing that could
# be measured. Link-time optimization would save 4% of a warm event and nothing from exec to GET
# /next, and make a link last 10 s instead of 0.1.
FAST := $(addprefix src/base/,arena.c buf.c str.c) \
	$(addprefix src/codec/,base64.c form.c hex.c json_read.c json_write.c utf8.c) \
	$(addprefix src/crypto/,ct.c hmac.c mont.c p256.c sha256.c sha256_class.c x25519.c) \
	src/http/head.c
SPEED := -O2 -fno-align-functions -fno-align-loops -fno-align-jumps -fno-align-labels
# -Oz is -Os and a little less; compilers that do not know it take -Os.
SIZE := $(shell echo 'int f;' | $(CC) -Oz -Werror -xc -c -o /dev/null - 2>/dev/null && \
	echo -Oz || echo -Os)
OPTIMIZE = $(if $(filter $(FAST),$<),$(SPEED),$(if $(filter $(QUICK_UNITS),$<),-O0,$(SIZE)))

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
	-Wvla -Wcast-qual -Wformat=2 -Wundef -Wwrite-strings $(if $(CI),-Werror)
CPPFLAGS := -std=c11 -D_GNU_SOURCE -Isrc -Itests -Itests/support -isystem $(BEARSSL)/inc
REPRODUCIBLE := -ffile-prefix-map=$(CURDIR)=.
# Without unwind tables, which a program without exceptions would carry and map for nothing. Each
# function and variable has a section, so that the linker can drop what is not used.
MUSL_CFLAGS = -nostdinc -isystem $(MUSL)/include -isystem $(CC_INCLUDE) -fPIE -fstack-protector \
	-fvisibility=hidden -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections -g \
	$(REPRODUCIBLE)
# A static PIE, linked by hand: the compiler's own -static-pie would take the start files of the
# system's C library. The kernel maps it at a random address, rcrt1.o relocates it, then os/process
# makes what was relocated read-only. rcrt1.o knows relative relocations only; ld for riscv64 leaves
# others for symbols that are visible outside, so none are.
LINK = $(CC) -nostdlib -static -Wl,-pie,--no-dynamic-linker,--exclude-libs=ALL \
	-Wl,-z,text,-z,relro,-z,now,-z,noexecstack $(LD_RELR) -Wl,--gc-sections,--build-id=none \
	$(MUSL)/lib/rcrt1.o $(MUSL)/lib/crti.o
LIBS = $(MUSL)/lib/libc.a -Wl,--start-group $(VENDOR)/bearssl/libbearssl.a $(MUSL)/lib/libc.a \
	$(CC_LIBGCC) -Wl,--end-group $(MUSL)/lib/crtn.o

SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
# Lines, without types and variables, are what a sanitizer's report needs of the debug information.
SAN_CFLAGS := -gline-tables-only -O1 $(SANITIZE) -fsanitize=fuzzer-no-link
TSAN_CFLAGS := -gline-tables-only -O1 -fsanitize=thread

.PHONY: all setup run demo test unit chains asan asan-e2e tsan soak ctime arithmetic fuzz \
	fuzz-short artifact packaging e2e conformance simulate cross bench lint analyze eva dist \
	package install size help clean distclean
.DELETE_ON_ERROR:
.PRECIOUS: $(OUT)/musl/%.o

all: $(OUT)/$(NAME) $(OUT)/compile_commands.json

help:
	@sed -n 's/^#\t//p' Makefile

# Installs; nothing else here does, save what calls it: demo, run and test.
setup:
	$(Q)scripts/setup $(FOR)

# ---- the toolchain: what the compiler is asked once ----------------------------------------------

# $(call remember,FILE,TEXT): FILE is written when TEXT differs from last time, so that what depends
# on FILE is made again, whether the change came from here, from config.mk, from the command line or
# from another compiler.
remember = $(if $(subst x=$(2),,x$(file <$(1))),$(shell mkdir -p $(dir $(1)))$(file >$(1),=$(2)))

ifneq ($(filter-out setup help lint clean distclean,$(or $(MAKECMDGOALS),all)),)
$(call remember,$(OUT)/compiler,$(CC))
include $(OUT)/toolchain.mk
endif

# On riscv64, gcc calls a library of its own to exchange a byte. Not every linker can pack relative
# relocations.
$(OUT)/toolchain.mk: scripts/setup Makefile $(OUT)/compiler
	$(Q)CC='$(CC)' scripts/setup $(if $(filter demo run test,$(MAKECMDGOALS)),,--check) build
	$(Q){ \
		echo "CC_INCLUDE := $$($(CC) -print-file-name=include)"; \
		echo "CC_LIBGCC := $$($(CC) -print-libgcc-file-name)"; \
		case $$($(CC) -dumpmachine) in riscv*) \
			echo "CC_LIBGCC += $$($(CC) -print-file-name=libatomic.a)" ;; \
		esac; \
		echo "LD_RELR := $$($(CC) -Wl,--help 2>/dev/null | grep -q pack-relative-relocs && \
			echo -Wl,-z,pack-relative-relocs)"; \
	} >$@

LIBC_CFLAGS := -w $(SIZE) -fPIE
# What is not compiled of the C library, since nothing here, tests included, calls it: nearly half.
# Who calls it nevertheless hears of it from the linker. printf and scanf in tests take a little of
# the mathematics.
LIBC_SKIPPED := $(addsuffix /%,aio complex crypt fenv ipc math mq passwd regex search termios) \
	$(addprefix ctype/,isw% tow%) $(addprefix locale/,cat% dcn% duplocale% iconv% str% wcs%) \
	$(addprefix network/,dn_% ether% gethostby% getaddrinfo% getnameinfo% getservby%) \
	$(addprefix network/,lookup_% res_%) \
	$(addprefix stdio/,%wc %ws %wprintf %wscanf) $(addprefix string/,wcs% wmem%) \
	$(addprefix thread/,cnd_% mtx_% thrd_% tss_% pthread_barrier% pthread_spin%)
LIBC_MATH := __fpclassify% __signbit% copysign% fabs% fmod% frexp% scalbn%
LIBC_OBJS := $$(filter-out $(LIBC_SKIPPED:%=obj/src/%.o),$$(filter obj/src/%,$$(ALL_OBJS))) \
	$$(filter $(LIBC_MATH:%=obj/src/math/%.o) $(LIBC_MATH:%=obj/src/math/$$(ARCH)/%.o),$$(ALL_OBJS))
# BearSSL without a stack protector, which would cost its ciphers a tenth of the speed.
# vendor/bearssl.mk says what of it is compiled for speed.
BEARSSL_CFLAGS = -std=c99 $(MUSL_CFLAGS) -fno-stack-protector
BEARSSL_SAN_CFLAGS = $(SAN_CFLAGS) -fno-sanitize=function -DBR_LE_UNALIGNED=0 -DBR_BE_UNALIGNED=0
BEARSSL_TSAN_CFLAGS = -std=c99 $(TSAN_CFLAGS) -DBR_LE_UNALIGNED=0 -DBR_BE_UNALIGNED=0

# --version names the commit that was built, where the repository or the variable COMMIT tells it.
COMMIT ?= $(shell git rev-parse --short=12 HEAD 2>/dev/null)
COMMIT := $(COMMIT)
$(call remember,build/commit,$(COMMIT))
VERSION_OBJS := $(addsuffix /src/cli/version.o,$(OUT)/musl build/san build/tsan)
$(VERSION_OBJS): build/commit
$(VERSION_OBJS): private CPPFLAGS += $(if $(COMMIT),-DCOMMIT='"$(COMMIT)"')

ifneq ($(CC_INCLUDE),)
$(call remember,$(VENDOR)/musl.flags,$(CC) $(LIBC_CFLAGS) $(LIBC_OBJS))
$(call remember,$(VENDOR)/bearssl.flags,$(CC) $(SPEED) $(SIZE) \
	$(filter-out $(REPRODUCIBLE),$(BEARSSL_CFLAGS)))
$(call remember,$(SOURCES)/bearssl-san.flags,$(CLANG) $(BEARSSL_SAN_CFLAGS))
$(call remember,$(OUT)/program.flags,$(FAST) $(START) $(COLD) $(SPEED) $(OPTIMIZE) $(CPPFLAGS) \
	$(MUSL_CFLAGS) $(LINK))
$(call remember,build/san.flags,$(CLANG) $(CPPFLAGS) $(SAN_CFLAGS))
$(call remember,$(SOURCES)/bearssl-tsan.flags,$(CLANG) $(BEARSSL_TSAN_CFLAGS))
$(call remember,build/tsan.flags,$(CLANG) $(CPPFLAGS) $(TSAN_CFLAGS))
endif

# ---- vendored libraries --------------------------------------------------------------------------

$(SOURCES)/musl.fetched: vendor/fetch | $(OUT)/toolchain.mk
	$(Q)vendor/fetch musl
	$(Q)touch $@

$(SOURCES)/bearssl.stamp: vendor/fetch $(wildcard vendor/patches/*.patch) | $(OUT)/toolchain.mk
	$(Q)vendor/fetch bearssl
	$(Q)touch $@

$(VENDOR)/musl.stamp: $(SOURCES)/musl.fetched $(VENDOR)/musl.flags
	@echo '  BUILD   musl'
	$(Q)rm -rf $(VENDOR)/musl-obj && mkdir $(VENDOR)/musl-obj
	$(Q)cd $(VENDOR)/musl-obj && { \
		$(CURDIR)/$(SOURCES)/musl-src/configure --disable-shared --prefix=$(CURDIR)/$(MUSL) \
			CC='$(CC)' AR='$(AR)' RANLIB='$(RANLIB)' CFLAGS='$(LIBC_CFLAGS) $(REPRODUCIBLE)' && \
		$(MAKE) LIBC_OBJS='$(LIBC_OBJS)' install-libs install-headers; \
	} >log 2>&1 || { tail -n 20 log >&2; exit 1; }
	$(Q)touch $@

BEARSSL_RULES = --no-print-directory -f vendor/bearssl.mk SRC=$(BEARSSL) OUT=$(@D)

$(VENDOR)/bearssl/libbearssl.a: $(SOURCES)/bearssl.stamp $(VENDOR)/bearssl.flags \
		$(VENDOR)/musl.stamp vendor/bearssl.mk
	@echo '  BUILD   bearssl'
	$(Q)rm -rf $(@D)
	$(Q)$(MAKE) $(BEARSSL_RULES) CC='$(CC)' AR='$(AR)' CFLAGS='$(BEARSSL_CFLAGS)' \
		SPEED='$(SPEED)' SIZE='$(SIZE)'

$(SOURCES)/bearssl-san/libbearssl.a: $(SOURCES)/bearssl.stamp $(SOURCES)/bearssl-san.flags \
		vendor/bearssl.mk | build/setup-test
	@echo '  BUILD   bearssl (sanitized)'
	$(Q)rm -rf $(@D)
	$(Q)$(MAKE) $(BEARSSL_RULES) CC='$(CLANG)' AR=ar CFLAGS='$(BEARSSL_SAN_CFLAGS)'

$(SOURCES)/bearssl-tsan/libbearssl.a: $(SOURCES)/bearssl.stamp $(SOURCES)/bearssl-tsan.flags \
		vendor/bearssl.mk | build/setup-test
	@echo '  BUILD   bearssl (thread sanitizer)'
	$(Q)rm -rf $(@D)
	$(Q)$(MAKE) $(BEARSSL_RULES) CC='$(CLANG)' AR=ar CFLAGS='$(BEARSSL_TSAN_CFLAGS)'

build/page.c: scripts/embed-page src/listener/status.html
	@echo '  GEN     $@'
	$(Q)mkdir -p $(@D)
	$(Q)scripts/embed-page src/listener/status.html >$@

build/anchors.c: vendor/embed-anchors $(ANCHORS)
	@echo '  GEN     $@'
	$(Q)mkdir -p $(@D)
	$(Q)vendor/embed-anchors $(ANCHORS) >$@

# ---- objects: one set with musl for each target, one with sanitizers -----------------------------

# Sources that are made.
MADE := build/anchors.c build/page.c
MUSL_OBJS := $(SRCS:%.c=$(OUT)/musl/%.o) $(MADE:build/%.c=$(OUT)/musl/%.o)
START_OBJS := $(START:%.c=$(OUT)/musl/%.o)
COLD_OBJS := $(COLD:%.c=$(OUT)/musl/%.o) $(OUT)/musl/page.o
SAN_OBJS := $(SRCS:%.c=build/san/%.o) $(MADE:build/%.c=build/san/%.o)
# The whole program under a sanitizer: with glibc, which sanitizers need.
SAN_PROGRAM_OBJS := $(SAN_OBJS) build/san/tests/sanitizers/options.o
TSAN_PROGRAM_OBJS := $(SRCS:%.c=build/tsan/%.o) $(MADE:%.c=build/tsan/%.o) \
	build/tsan/tests/sanitizers/options.o
ALL_OBJS := $(MUSL_OBJS) $(SAN_PROGRAM_OBJS) $(TSAN_PROGRAM_OBJS) \
	$(UNITS:%.c=$(OUT)/musl/%.o) $(SIMULATION:%.c=$(OUT)/musl/%.o) $(BENCHES:%.c=$(OUT)/musl/%.o) \
	$(addprefix $(OUT)/musl/tests/,chains/judge.o conformance/arithmetic.o) \
	$(UNITS:%.c=build/san/%.o) $(FUZZERS:%.c=build/san/%.o)
COMPILE = $(CC) $(OPTIMIZE) $(CPPFLAGS) $(MUSL_CFLAGS)

$(OUT)/musl/%.o: %.c $(VENDOR)/musl.stamp $(SOURCES)/bearssl.stamp $(OUT)/program.flags
	@echo '  CC      $<'
	$(Q)mkdir -p $(@D)
	$(Q)$(COMPILE) $(WARN) -MMD -MP -c -o $@ $<

build/san/%.o: %.c $(SOURCES)/bearssl.stamp build/san.flags | build/setup-test
	@echo '  CC san  $<'
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(CPPFLAGS) $(SAN_CFLAGS) $(if $(filter $(QUICK_UNITS),$<),-O0) $(WARN) -MMD -MP \
		-c -o $@ $<

build/tsan/%.o: %.c $(SOURCES)/bearssl.stamp build/tsan.flags | build/setup-test
	@echo '  CC tsan $<'
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(CPPFLAGS) $(TSAN_CFLAGS) -w -MMD -MP -c -o $@ $<

$(OUT)/musl/%.o: build/%.c $(VENDOR)/musl.stamp $(SOURCES)/bearssl.stamp $(OUT)/program.flags
	$(Q)$(COMPILE) -w -MMD -MP -c -o $@ $<

build/san/%.o: build/%.c $(SOURCES)/bearssl.stamp build/san.flags | build/setup-test
	$(Q)$(CLANG) $(CPPFLAGS) $(SAN_CFLAGS) -w -MMD -MP -c -o $@ $<

-include $(wildcard $(ALL_OBJS:.o=.d))

# For clangd and other tools, which look for it here.
$(OUT)/compile_commands.json: $(OUT)/program.flags Makefile
	$(file >$@,[)
	$(foreach source,$(SRCS) $(UNITS),$(file >>$@,{"directory":"$(CURDIR)","file":"$(source)",\
		"command":"$(COMPILE) $(WARN) -c $(source)"}\
		$(if $(filter $(source),$(lastword $(UNITS))),,$(comma))))
	$(file >>$@,])

# ---- the program ---------------------------------------------------------------------------------

$(OUT)/$(NAME): $(OUT)/$(NAME).debug
	@echo '  STRIP   $@'
	$(Q)$(STRIP) --strip-all -R .comment -o $@ $<

$(OUT)/$(NAME).debug: $(MUSL_OBJS) $(VENDOR)/bearssl/libbearssl.a $(OUT)/program.flags
	@echo '  LINK    $@'
	$(Q)$(LINK) -o $@ $(START_OBJS) $(MUSL)/lib/libc.a \
		$(filter-out $(START_OBJS) $(COLD_OBJS),$(MUSL_OBJS)) $(LIBS) $(COLD_OBJS) $(LIBS)

run: all
	$(Q)scripts/demo --stay

demo: all
	$(Q)scripts/demo

# What make dist packs: with CROSS for that machine alone, else for this one and for each that a
# compiler is installed for.
TARGETS := x86_64-linux-gnu aarch64-linux-gnu arm-linux-gnueabihf riscv64-linux-gnu
HERE := $(filter $(ARCH)-%,$(TARGETS))
ABROAD = $(foreach target,$(filter-out $(HERE),$(TARGETS)),\
	$(if $(shell command -v $(target)-gcc),$(target)))
LACKING = $(filter-out $(HERE) $(ABROAD),$(TARGETS))

package: all
	$(Q)rm -rf $(OUT)/package
	$(Q)$(MAKE) --no-print-directory install DESTDIR=$(OUT)/package PREFIX=/usr

dist: package
	$(Q)scripts/setup --check dist
	+$(Q)for target in $(if $(CROSS),,$(ABROAD)); do \
		$(MAKE) --no-print-directory CROSS=$$target- package || exit; done
	$(Q)scripts/dist $(ARCH)=$(OUT) $(if $(CROSS),,$(foreach target,$(ABROAD),\
		$(firstword $(subst -, ,$(target)))=build/$(target)))
	$(Q)$(if $(CROSS),:,for target in $(LACKING); do \
		echo "dist: without $${target%%-*}: $$target-gcc is not installed" \
			"(Debian: gcc-$$target, or make setup FOR=cross)"; done)

PREFIX = /usr/local
# The man page is what the program says, so a program for another machine needs one that runs here
# beside it.
SHARE = $(DESTDIR)$(PREFIX)/share
install: all
	$(if $(CROSS),+$(Q)$(MAKE) --no-print-directory CROSS= all)
	$(Q)scripts/manual build/$(NAME) build/manual
	$(Q)install -D -m 755 $(OUT)/$(NAME) $(DESTDIR)$(PREFIX)/bin/$(NAME)
	$(Q)install -D -m 644 -t $(SHARE)/man/man8 build/manual/$(NAME).8
	$(Q)install -D -m 644 build/manual/$(NAME).bash $(SHARE)/bash-completion/completions/$(NAME)
	$(Q)install -D -m 644 -t $(SHARE)/zsh/site-functions build/manual/_$(NAME)
	$(Q)install -D -m 644 -t $(SHARE)/fish/vendor_completions.d build/manual/$(NAME).fish
	$(Q)for unit in service socket; do \
		sed 's|/usr/local/bin/|$(PREFIX)/bin/|' scripts/deploy/$(NAME).$$unit \
			>build/manual/$(NAME).$$unit && \
		install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/systemd/system \
			build/manual/$(NAME).$$unit || exit; \
	done

size: all
	$(Q)size $(OUT)/$(NAME).debug
	$(Q)nm --print-size --size-sort --reverse-sort --radix=d $(OUT)/$(NAME).debug | head -n 40

# ---- tests ---------------------------------------------------------------------------------------

build/setup-test: scripts/setup
	$(Q)scripts/setup --check test
	$(Q)mkdir -p build && touch $@

PYTEST := $(PYTHON) -m pytest -q -p no:cacheprovider

# Where they cannot be had, tests are skipped; CI does without skipping.
build/tools/installed: tests/tools.txt | build/setup-test
	@echo '  FETCH   tools'
	$(Q)rm -rf $(@D)
	$(Q)$(PYTHON) -m pip install -q --disable-pip-version-check --root-user-action=ignore \
		--no-compile --only-binary=:all: --target $(@D) -r $< && touch $@ || \
		{ echo 'tools: cannot be had' >&2; test -z '$(CI)'; }

# All but main(), for programs that have their own.
MUSL_PARTS := $(filter-out $(OUT)/musl/src/main.o,$(MUSL_OBJS)) $(VENDOR)/bearssl/libbearssl.a
SAN_PARTS := $(filter-out build/san/src/main.o,$(SAN_OBJS)) $(SOURCES)/bearssl-san/libbearssl.a

$(OUT)/musl/unit: $(UNITS:%.c=$(OUT)/musl/%.o) $(MUSL_PARTS)
	@echo '  LINK    $@'
	$(Q)$(LINK) -o $@ $(filter %.o,$^) $(LIBS)

build/san/unit: $(UNITS:%.c=build/san/%.o) $(SAN_PARTS)
	@echo '  LINK    $@'
	$(Q)$(CLANG) $(SANITIZE) -o $@ $^

build/san/$(NAME): $(SAN_PROGRAM_OBJS) $(SOURCES)/bearssl-san/libbearssl.a
	@echo '  LINK    $@'
	$(Q)$(CLANG) $(SANITIZE) -o $@ $^

build/tsan/$(NAME): $(TSAN_PROGRAM_OBJS) $(SOURCES)/bearssl-tsan/libbearssl.a
	@echo '  LINK    $@'
	$(Q)$(CLANG) $(TSAN_CFLAGS) -o $@ $^

# A fuzzer takes of it what it calls: libFuzzer looks at every counter after each run.
build/san/parts.a: $(filter %.o,$(SAN_PARTS))
	$(Q)rm -f $@
	$(Q)ar rcs $@ $^

$(FUZZ_BINS): build/san/%: build/san/tests/fuzz/%.o build/san/parts.a \
		$(SOURCES)/bearssl-san/libbearssl.a
	@echo '  LINK    $@'
	$(Q)$(CLANG) $(SANITIZE) -fsanitize=fuzzer -o $@ $^

build/chains/judge: $(OUT)/musl/tests/chains/judge.o $(MUSL_PARTS)
	@echo '  LINK    $@'
	$(Q)mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $(filter %.o,$^) $(LIBS)

build/conformance/arithmetic: $(OUT)/musl/tests/conformance/arithmetic.o $(MUSL_PARTS)
	@echo '  LINK    $@'
	$(Q)mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $(filter %.o,$^) $(LIBS)

# The objects of the program, with another machine below them: tests/simulate/world.h.
WRAPPED := $(sort $(shell grep -oh '__wrap_[a-z_0-9]*' $(SIMULATION) | cut -c8-))

build/simulate: $(MUSL_OBJS) $(SIMULATION:%.c=$(OUT)/musl/%.o) $(VENDOR)/bearssl/libbearssl.a
	@echo '  LINK    $@'
	$(Q)$(LINK) $(WRAPPED:%=-Wl,--wrap=%) -o $@ $(filter %.o,$^) $(LIBS)

simulate: build/simulate
	$(Q)build/simulate $(ARGS)

arithmetic: build/conformance/arithmetic build/setup-test
	$(Q)$(PYTHON) tests/conformance/arithmetic $(ARGS)

chains: build/chains/judge build/setup-test
	$(Q)$(PYTEST) tests/chains $(ARGS)

unit: $(OUT)/musl/unit
	$(Q)$(OUT)/musl/unit $(ARGS)

# The objects of the program, down to what handles secrets.
CTIME_OBJS := $(filter $(addprefix $(OUT)/musl/src/,crypto/% codec/% base/%),$(MUSL_OBJS))

ctime: $(CTIME_OBJS) $(VENDOR)/bearssl/libbearssl.a build/setup-test
	$(Q)CC='$(CC)' tests/ctime/run $(CTIME_OBJS) $(VENDOR)/bearssl/libbearssl.a

asan: build/san/unit
	$(Q)build/san/unit $(ARGS)

# The tests of the whole program with it under a sanitizer. What is left out, and why, is listed in
# tests/sanitizers/left_out.
asan-e2e: build/san/$(NAME) all build/setup-test build/tools/installed
	$(Q)tests/sanitizers/run address $< $(ARGS)

tsan: build/tsan/$(NAME) all build/setup-test build/tools/installed
	$(Q)tests/sanitizers/run thread $< $(ARGS)

soak: all build/setup-test
	$(Q)$(PYTHON) tests/soak/run $(or $(SECONDS),900) $(SEED)

cross: all build/setup-test build/tools/installed
	$(Q)scripts/setup --check cross
	+$(Q)MAKE='$(MAKE)' PYTHON='$(PYTHON)' tests/cross/run $(ARGS)

fuzz: $(FUZZ_BINS)
	$(Q)tests/fuzz/run $(FUZZ_SECONDS) $(FUZZ_BINS)

fuzz-short: $(FUZZ_BINS)
	$(Q)tests/fuzz/run 2 $(FUZZ_BINS)

artifact: all build/setup-test
	+$(Q)MAKE='$(MAKE)' tests/artifact

# For this machine; make cross does the same for all.
packaging: all build/setup-test build/tools/installed
	$(Q)$(MAKE) --no-print-directory dist TARGETS=$(HERE)
	$(Q)$(PYTHON) tests/packaging

# Most of the time tests wait, so there are many at once. What pytest makes of their source is kept,
# and made once before them: it is nearly all of the time that finding 5,000 tests takes.
export PYTHONDONTWRITEBYTECODE :=
e2e: all build/setup-test build/tools/installed
	$(Q)$(PYTEST) --collect-only tests/e2e >build/e2e.found
	$(Q)$(PYTEST) -n 8 tests/e2e $(ARGS)

conformance: all build/chains/judge build/setup-test
	$(Q)tests/conformance/run $(ARGS)
	$(Q)if command -v go >/dev/null; then $(PYTEST) tests/chains/compare_go.py; \
		else echo 'chains: no Go to compare with'; fi

# What the program is measured against is compiled, linked and stripped as it is.
build/bench/%: $(OUT)/musl/tests/bench/%.o $(VENDOR)/bearssl/libbearssl.a
	@echo '  LINK    $@'
	$(Q)mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $< $(LIBS)
	$(Q)$(STRIP) --strip-all -R .comment $@

bench: all $(BENCHES:tests/bench/%.c=build/bench/%)
	$(Q)scripts/setup --check bench
	$(Q)$(if $(or $(filter rivals handshakes,$(ARGS)),$(if $(ARGS),,all)),tests/bench/rivals/build)
	$(Q)tests/bench/run $(ARGS)

lint:
	$(Q)scripts/include-check
	$(Q)scripts/format-check
	$(Q)scripts/text-check

# What clang's analyzer suspects, to be read and judged: it sees one file at a time, and each
# version sees other things.
analyze: build/setup-test $(SOURCES)/bearssl.stamp
	$(Q)for source in $(SRCS); do \
		$(CLANG) --analyze --analyzer-output text $(CPPFLAGS) $$source; done

eva:
	$(Q)scripts/setup eva
	$(Q)tests/eva/run

test:
	$(Q)scripts/setup test
	+$(Q)MAKE='$(MAKE)' scripts/tally lint unit asan ctime arithmetic fuzz-short chains simulate \
		artifact packaging e2e

clean:
	$(Q)rm -rf dist \
		$(filter-out $(addprefix build/,vendor moto tools aws-lambda-rie),$(wildcard build/*))

distclean:
	$(Q)rm -rf build dist
