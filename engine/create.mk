# From a request to a record and a bundle: what engine/create.h and engine/network.h promise.
libengine_a_SOURCES += \
	engine/create.c engine/create.h \
	engine/create_check.c engine/create_plan.h \
	engine/create_config.c \
	engine/create_env.c \
	engine/create_files.c \
	engine/create_insert.c \
	engine/create_limit.c \
	engine/create_mounts.c \
	engine/create_sources.c \
	engine/create_volumes_from.c \
	engine/create_network.c \
	engine/create_passwd.c \
	engine/create_share.c \
	engine/create_userns.c \
	engine/hosts.c engine/hosts.h \
	engine/inspect.c \
	engine/idmap.c engine/idmap.h \
	engine/idmap_auto.c engine/idmap_auto.h \
	engine/join.c engine/join.h \
	engine/limits.c engine/limits.h \
	engine/limits_check.c \
	engine/names.c engine/names.h \
	engine/network.c engine/network.h \
	engine/parse_env.c engine/parse_env.h \
	engine/parse_limit.c engine/parse_limit.h \
	engine/parse_mount.c engine/parse_mount.h \
	engine/parse_mount_flag.c \
	engine/parse_port.c engine/parse_port.h \
	engine/parse_security.c \
	engine/seccomp_file.c engine/seccomp_file.h \
	engine/spec.c engine/spec.h \
	engine/spec_mounts.c \
	engine/spec_extras.c

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/engine_idmap tests/unit/engine_parse
tests_unit_engine_idmap_SOURCES = tests/unit/engine_idmap.c
tests_unit_engine_idmap_LDADD = libengine.a libbase.a $(JANSSON_LIBS) $(UNIT_LIBS)
tests_unit_engine_parse_SOURCES = tests/unit/engine_parse.c
tests_unit_engine_parse_LDADD = libengine.a libbase.a $(JANSSON_LIBS) $(UNIT_LIBS)
endif

if FUZZ
noinst_PROGRAMS += tests/fuzz/run_flags
else
check_PROGRAMS += tests/fuzz/run_flags
endif
tests_fuzz_run_flags_SOURCES = tests/fuzz/run_flags.c $(FUZZ_MAIN)
tests_fuzz_run_flags_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_run_flags_LDADD = libengine.a libbase.a $(JANSSON_LIBS)
EXTRA_DIST += tests/fuzz/corpus/run_flags tests/fuzz/run_flags.dict
