# SPDX-License-Identifier: GPL-2.0-or-later
#
# Builds weft: user space here, the module through Kbuild (top-level Kbuild).
# "make help" lists the targets and variables.
#
# User space is one static archive per layer (DESIGN.md, section 6), linked
# from the top down, so a call upwards is a link error. Any *.c that appears in
# userspace/<layer>/ is compiled; main.c of daemon/ and cli/ stays out of their
# archives, so that unit tests can link all the rest.

# dkms.conf is where the release stands; debian/changelog follows it.
VERSION	:= $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)

B	?= native
O	:= build/$(B)
PREFIX	?= /usr
SYSTEMD_UNIT_DIR ?= $(PREFIX)/lib/systemd/system
MODULES_LOAD_DIR ?= $(PREFIX)/lib/modules-load.d
CATALOG_DIR	 ?= $(PREFIX)/lib/systemd/catalog

ifeq ($(origin CC),default)
CC	:= gcc
endif
AR	:= ar
PKG_CONFIG ?= pkg-config
# These build in the cached root, or nothing: the libraries need not be here.
ifeq ($(filter-out test test-debug soak bench demo lint clean help,$(or $(MAKECMDGOALS),all)),)
PKG_CONFIG := :
endif

# ---- layers, from the top down ----------------------------------------------

LAYERS		:= daemon cli conf join tls audit nl pki loop base

BELOW_base	:=
BELOW_loop	:= base
BELOW_pki	:= loop base
BELOW_nl	:= loop base
BELOW_audit	:= nl pki loop base
BELOW_tls	:= nl pki loop base
BELOW_join	:= tls nl pki loop base
BELOW_conf	:= tls audit nl pki loop base
BELOW_daemon	:= conf join $(BELOW_conf)
BELOW_cli	:= conf join $(BELOW_conf)

PROGRAMS	:= daemon cli
PROGRAM_daemon	:= weftd
PROGRAM_cli	:= weftctl

# ---- flags ------------------------------------------------------------------

PACKAGES	:= libnl-3.0 libnl-genl-3.0 libssl libcrypto libsystemd yaml-0.1 libcjson

CFLAGS		?= -O2 -g
SANITIZE	:= -fsanitize=address,undefined -fno-omit-frame-pointer
ifneq ($(filter $(B),asan fuzz),)
WEFT_SANITIZE	:= $(SANITIZE)
else
CPPFLAGS	?= -D_FORTIFY_SOURCE=2
endif

WARNINGS	:= -Wall -Wextra -Wmissing-prototypes -Wstrict-prototypes -Wshadow \
		   -Wno-unused-parameter -Wno-sign-compare

# _GNU_SOURCE is defined empty, as a source file would: saying it twice is no
# redefinition.
WEFT_CPPFLAGS	= -D_GNU_SOURCE= -DWEFT_VERSION='"$(VERSION)"' -Iuserspace -Iinclude/uapi \
		  $(shell $(PKG_CONFIG) --cflags $(PACKAGES))
WEFT_CFLAGS	:= -std=gnu11 $(WARNINGS) -fPIE -fstack-protector-strong -pthread $(WEFT_SANITIZE)
WEFT_LDFLAGS	:= -pie -pthread -Wl,-z,relro,-z,now -Wl,--as-needed $(WEFT_SANITIZE)
WEFT_LIBS	= $(shell $(PKG_CONFIG) --libs $(PACKAGES))

WEFT_CPPFLAGS	:= $(WEFT_CPPFLAGS)
WEFT_LIBS	:= $(WEFT_LIBS)

# Unit tests run from the top of the tree and find their files by TEST_DATA.
TEST_CPPFLAGS	:= -DTEST_DATA='"$(CURDIR)/tests/unit/data"'
TEST_LIBS	= $(shell $(PKG_CONFIG) --libs cmocka)
GUEST_LIBS	= $(shell $(PKG_CONFIG) --libs liburing)

COMPILE		= $(CC) $(WEFT_CPPFLAGS) $(CPPFLAGS) $(WEFT_CFLAGS) $(CFLAGS) -MMD -MP

# ---- module -----------------------------------------------------------------

KDIR_GIVEN	:= $(filter-out undefined,$(origin KDIR))
KDIR		?= /lib/modules/$(shell uname -r)/build
KRELEASE	= $(or $(shell cat $(KDIR)/include/config/kernel.release 2>/dev/null),unknown)
MODULE_BUILD	= build/modules/$(KRELEASE)
HAVE_MODULE	:= $(and $(wildcard Kbuild),$(or $(KDIR_GIVEN),$(wildcard $(KDIR)/Makefile)))

# ---- what there is ----------------------------------------------------------

HAVE		:= $(strip $(foreach l,$(LAYERS),$(if $(wildcard userspace/$(l)/*.c),$(l))))
HAVE_PROGRAMS	:= $(strip $(foreach l,$(PROGRAMS),$(if $(wildcard userspace/$(l)/main.c),$(l))))
BINARIES	:= $(foreach l,$(HAVE_PROGRAMS),$(O)/$(PROGRAM_$(l)))
ARCHIVES	:= $(foreach l,$(HAVE),$(O)/lib$(l).a)

archives	= $(foreach l,$(filter $(1),$(LAYERS)),$(if $(filter $(l),$(HAVE)),$(O)/lib$(l).a))

TESTS		:= $(sort $(wildcard tests/unit/test_*.c))
TEST_BINARIES	:= $(TESTS:%.c=$(O)/%)

# tests/unit/test_<layer>.c or test_<layer>_<more>.c, tests/fuzz/fuzz_<layer>...,
# tests/bench/bench_<layer>_...
test_layer	= $(word 2,$(subst _, ,$(basename $(notdir $(1)))))

# Programs of the end-to-end tests that Python cannot be.
GUESTS		:= $(sort $(wildcard tests/guest/*.c))
GUEST_BINARIES	:= $(GUESTS:%.c=$(O)/%)

# What the benchmark runs alone.
BENCHES		:= $(sort $(wildcard tests/bench/bench_*.c))
BENCH_BINARIES	:= $(BENCHES:%.c=$(O)/%)

FUZZERS		:= $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZ_BINARIES	:= $(FUZZERS:%.c=$(O)/%)

MANPAGES	:= $(wildcard userspace/man/*.[1578])

.PHONY: all user tests modules unit bench-binaries fuzz fuzz-binaries install clean lint test test-debug soak bench demo deb help FORCE
.DELETE_ON_ERROR:
.SUFFIXES:

all: user $(if $(HAVE_MODULE),modules)

user: $(ARCHIVES) $(BINARIES)

# Compiled anew when the compiler or its flags change.
$(O)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(COMPILE) $(WEFT_LDFLAGS) $(LDFLAGS))' > $@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(O)/%.o: %.c $(O)/flags
	@mkdir -p $(@D)
	@echo "  CC      $@"
	@$(COMPILE) $(if $(filter tests/%,$<),$(TEST_CPPFLAGS)) -c -o $@ $<

define layer_rules
SOURCES_$(1)	:= $$(sort $$(wildcard userspace/$(1)/*.c))
OBJECTS_$(1)	:= $$(patsubst %.c,$(O)/%.o,$$(filter-out %/main.c,$$(SOURCES_$(1))))

# The list names the objects: a source that was removed or renamed leaves the
# archive. It is replaced as a whole, for who builds in the same directory.
$(O)/lib$(1).a: $$(OBJECTS_$(1)) $(O)/lib$(1).list
	@echo "  AR      $$@"
	@rm -f $$@.new && $(AR) rcsD $$@.new $$(OBJECTS_$(1)) && mv $$@.new $$@

$(O)/lib$(1).list: FORCE
	@mkdir -p $$(@D)
	@echo '$$(OBJECTS_$(1))' | cmp -s - $$@ || echo '$$(OBJECTS_$(1))' > $$@
endef
$(foreach l,$(HAVE),$(eval $(call layer_rules,$(l))))

define program_rules
$(O)/$(PROGRAM_$(1)): $(O)/userspace/$(1)/main.o $(call archives,$(1) $(BELOW_$(1)))
	@echo "  LD      $$@"
	@$$(CC) $$(WEFT_CFLAGS) $$(CFLAGS) $$(WEFT_LDFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(WEFT_LIBS)
endef
$(foreach l,$(HAVE_PROGRAMS),$(eval $(call program_rules,$(l))))

define test_rules
$(O)/$(1): $(O)/$(1).o $(call archives,$(call test_layer,$(1)) $(BELOW_$(call test_layer,$(1))))
	@echo "  LD      $$@"
	@$$(CC) $$(WEFT_CFLAGS) $$(CFLAGS) $$(WEFT_LDFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(TEST_LIBS) $$(WEFT_LIBS)
endef
$(foreach t,$(TESTS:%.c=%),$(eval $(call test_rules,$(t))))

define bench_rules
$(O)/$(1): $(O)/$(1).o $(call archives,$(call test_layer,$(1)) $(BELOW_$(call test_layer,$(1))))
	@echo "  LD      $$@"
	@$$(CC) $$(WEFT_CFLAGS) $$(CFLAGS) $$(WEFT_LDFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(WEFT_LIBS)
endef
$(foreach t,$(BENCHES:%.c=%),$(eval $(call bench_rules,$(t))))

define fuzz_rules
$(O)/$(1): $(O)/$(1).o $(call archives,$(call test_layer,$(1)) $(BELOW_$(call test_layer,$(1))))
	@echo "  LD      $$@"
	@$$(CC) $$(WEFT_CFLAGS) $$(CFLAGS) $$(WEFT_LDFLAGS) $$(LDFLAGS) -fsanitize=fuzzer -o $$@ $$^ $$(WEFT_LIBS)
endef
$(foreach t,$(FUZZERS:%.c=%),$(eval $(call fuzz_rules,$(t))))

-include $(shell [ -d $(O) ] && find $(O) -name '*.d')

# ---- targets ----------------------------------------------------------------

$(GUEST_BINARIES): $(O)/%: $(O)/%.o
	@echo "  LD      $@"
	@$(CC) $(WEFT_CFLAGS) $(CFLAGS) $(WEFT_LDFLAGS) $(LDFLAGS) -o $@ $^ $(GUEST_LIBS)

tests: $(TEST_BINARIES) $(GUEST_BINARIES)

unit: $(TEST_BINARIES)
	@tests/unit/run $(TEST_BINARIES)

bench-binaries: $(BENCH_BINARIES)

fuzz:
	$(MAKE) B=fuzz CC=clang CFLAGS='-O1 -g -fsanitize=fuzzer-no-link' fuzz-binaries

fuzz-binaries: $(FUZZ_BINARIES)

# The kernel's build writes beside its sources: each kernel gets its own copy.
modules:
	@[ -f $(KDIR)/Makefile ] || { \
		echo "no kernel headers at KDIR=$(KDIR): install linux-headers or name their directory" >&2; exit 1; }
	@mkdir -p $(MODULE_BUILD)
	@cp -pru Kbuild dkms.conf kmod include $(MODULE_BUILD)/
	@cd $(MODULE_BUILD) && find kmod include -name '*.[ch]' | while read -r f; do \
		[ -e "$(CURDIR)/$$f" ] || rm -f "$$f"; done
	$(MAKE) -C $(KDIR) M=$(CURDIR)/$(MODULE_BUILD) modules

install: user
	install -d $(DESTDIR)/etc/weft/conf.d
	install -D -m 755 $(O)/weftd $(DESTDIR)$(PREFIX)/sbin/weftd
	install -D -m 755 $(O)/weftctl $(DESTDIR)$(PREFIX)/bin/weftctl
	install -d $(DESTDIR)$(SYSTEMD_UNIT_DIR)
	install -m 644 $(wildcard userspace/systemd/*.service) $(DESTDIR)$(SYSTEMD_UNIT_DIR)/
	install -D -m 644 userspace/systemd/weft.modules-load $(DESTDIR)$(MODULES_LOAD_DIR)/weft.conf
	install -d $(DESTDIR)$(CATALOG_DIR)
	install -m 644 $(wildcard userspace/audit/*.catalog) $(DESTDIR)$(CATALOG_DIR)/
	set -e; for page in $(MANPAGES); do \
		install -D -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/}; done
	install -d $(DESTDIR)$(PREFIX)/share/doc/weft/examples
	set -e; for example in $(wildcard userspace/examples/*); do \
		install -m 644 $$example $(DESTDIR)$(PREFIX)/share/doc/weft/examples/; done

clean:
	rm -rf build

lint:
	tests/lint/run

# Of what the tests repeat, so much (%): on two cores all is over in well under an hour.
SHARE	?= 50
test:
	tests/run -s $(SHARE)

test-debug:
	tests/run -d

MINUTES	?= 30
soak:
	tests/soak -m $(MINUTES)

bench:
	tests/bench/run

demo:
	tests/demo/run

# In a copy: dpkg-buildpackage writes its results into the directory above.
DEB_TREE := build/deb/weft-$(VERSION)
deb:
	rm -rf build/deb
	mkdir -p $(DEB_TREE)
	tar -c --exclude=./build --exclude=./.git . | tar -x -C $(DEB_TREE)
	cd $(DEB_TREE) && env -u MAKEFLAGS -u MAKELEVEL dpkg-buildpackage -b -us -uc
	@ls build/deb/*.deb

help:
	@echo 'make [all]     user space into build/$$B, and the module when kernel headers are there'
	@echo 'make user      user space only'
	@echo 'make modules   the module for KDIR, into build/modules/<release>/weft.ko'
	@echo 'make unit      build and run the unit tests'
	@echo 'make fuzz      the fuzz targets, as libFuzzer programs build/fuzz/tests/fuzz/fuzz_*'
	@echo 'make test      everything: unit tests, self-tests, end to end in virtual machines'
	@echo '               (SHARE=PERCENT: of what repeats, $(SHARE) without)'
	@echo 'make test-debug  what has to do with the module, on a kernel with KASAN, lockdep, kmemleak and faults'
	@echo 'make soak      MINUTES=30: what is drawn at random, all kernels: schedules, system calls,'
	@echo '               netlink messages, deaths of weftd, lifecycle'
	@echo 'make bench     instructions per request, byte, connection: plain, weft, sidecars'
	@echo 'make demo      two hosts, real programs, mutual TLS, step by step'
	@echo 'make lint      style, layers, static checks'
	@echo 'make install   DESTDIR= PREFIX=/usr'
	@echo 'make deb       Debian packages weft and weft-dkms into build/deb'
	@echo 'make clean'
	@echo
	@echo 'B=NAME         build directory build/NAME (native; asan: with sanitizers)'
	@echo 'CC=clang, CFLAGS, CPPFLAGS, LDFLAGS  as usual; KDIR=DIR  kernel headers'
