noinst_LIBRARIES += libcmd.a
libcmd_a_SOURCES = \
	cmd/cmd.h \
	cmd/commands.c \
	cmd/complete.c \
	cmd/complete_names.c cmd/complete_names.h \
	cmd/find.c \
	cmd/groups.c \
	cmd/help.c \
	cmd/help_command.c \
	cmd/load.c \
	cmd/manual.c \
	cmd/opt.c cmd/opt.h \
	cmd/opt_value.c \
	cmd/platform.c cmd/platform.h \
	cmd/pull.c \
	cmd/report.c \
	cmd/suggest.c

# Archives in the order of who knows whom.
MOSS_ARCHIVES = libcmd.a libengine.a libregistry.a libnetns.a libstorage.a libbase.a
bin_PROGRAMS += moss
moss_SOURCES = cmd/main.c
moss_LDADD = $(WHOLE_ARCHIVE) libcmd.a $(NO_WHOLE_ARCHIVE) $(MOSS_ARCHIVES) $(CORE_LIBS)
moss_DEPENDENCIES = $(MOSS_ARCHIVES)

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/cmd_opt
tests_unit_cmd_opt_SOURCES = tests/unit/cmd_opt.c
tests_unit_cmd_opt_LDADD = libcmd.a libbase.a $(UNIT_LIBS)

check_PROGRAMS += tests/unit/cmd_tables
tests_unit_cmd_tables_SOURCES = tests/unit/cmd_tables.c
tests_unit_cmd_tables_LDADD = $(moss_LDADD) $(UNIT_LIBS)
tests_unit_cmd_tables_DEPENDENCIES = $(MOSS_ARCHIVES)
endif

# With --enable-fuzz the targets are libFuzzer programs, else they replay their stored inputs.
if FUZZ
noinst_PROGRAMS += tests/fuzz/opt
else
check_PROGRAMS += tests/fuzz/opt
endif
tests_fuzz_opt_SOURCES = tests/fuzz/opt.c $(FUZZ_MAIN)
tests_fuzz_opt_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_opt_LDADD = libcmd.a libbase.a
EXTRA_DIST += tests/fuzz/corpus/opt tests/fuzz/opt.dict tests/golden tests/lib/golden-update
