noinst_LIBRARIES += libbase.a
libbase_a_SOURCES = \
	base/account.c base/account.h \
	base/base64.c base/base64.h \
	base/clock.c base/clock.h \
	base/err.c base/err.h \
	base/gomatch.c base/gomatch.h \
	base/goregex.c base/goregex.h \
	base/goregex_parse.c base/goregex_internal.h \
	base/guard.c base/guard.h \
	base/inodes.c base/inodes.h \
	base/io.c base/io.h \
	base/json.c base/json.h \
	base/lend.c base/lend.h \
	base/lock.c base/lock.h \
	base/mountinfo.c base/mountinfo.h \
	base/msg.c base/msg.h \
	base/output.c base/output.h \
	base/path.c base/path.h \
	base/proc.c base/proc.h \
	base/prompt.c base/prompt.h \
	base/sha256.c base/sha256.h \
	base/scope.c base/scope.h \
	base/shown.c base/shown.h \
	base/spawn.c base/spawn.h \
	base/str.c base/str.h \
	base/toml.c base/toml.h \
	base/toml_value.c base/toml_internal.h \
	base/user_config.c base/user_config.h \
	base/userns.c base/userns.h

check_PROGRAMS += \
	tests/unit/base_account \
	tests/unit/base_gomatch \
	tests/unit/base_sha256 \
	tests/unit/base_encode \
	tests/unit/base_goregex \
	tests/unit/base_mountinfo \
	tests/unit/base_output \
	tests/unit/base_path \
	tests/unit/base_process \
	tests/unit/base_str \
	tests/unit/base_toml
tests_unit_base_account_SOURCES = tests/unit/base_account.c
tests_unit_base_account_LDADD = libbase.a $(UNIT_LIBS) $(CORE_LIBS)
tests_unit_base_gomatch_SOURCES = tests/unit/base_gomatch.c tests/unit/unit.h
tests_unit_base_gomatch_LDADD = libbase.a $(UNIT_LIBS) $(CORE_LIBS)
tests_unit_base_sha256_SOURCES = tests/unit/base_sha256.c tests/unit/unit.h
tests_unit_base_sha256_LDADD = libbase.a $(UNIT_LIBS) $(CORE_LIBS)
tests_unit_base_encode_SOURCES = tests/unit/base_encode.c
tests_unit_base_encode_LDADD = libbase.a $(UNIT_LIBS) $(CORE_LIBS)
tests_unit_base_goregex_SOURCES = tests/unit/base_goregex.c tests/unit/unit.h
tests_unit_base_goregex_LDADD = libbase.a $(UNIT_LIBS) $(CORE_LIBS)
tests_unit_base_mountinfo_SOURCES = tests/unit/base_mountinfo.c tests/unit/unit.h
tests_unit_base_mountinfo_LDADD = libbase.a $(UNIT_LIBS) $(CORE_LIBS)
tests_unit_base_output_SOURCES = tests/unit/base_output.c tests/unit/unit.h
tests_unit_base_output_LDADD = libbase.a $(UNIT_LIBS) $(CORE_LIBS)
tests_unit_base_path_SOURCES = tests/unit/base_path.c tests/unit/unit.h
tests_unit_base_path_LDADD = libbase.a $(UNIT_LIBS) $(CORE_LIBS)
tests_unit_base_process_SOURCES = tests/unit/base_process.c
tests_unit_base_process_LDADD = libbase.a $(UNIT_LIBS) $(CORE_LIBS)
tests_unit_base_str_SOURCES = tests/unit/base_str.c
tests_unit_base_str_LDADD = libbase.a $(UNIT_LIBS) $(CORE_LIBS)
tests_unit_base_toml_SOURCES = tests/unit/base_toml.c tests/unit/unit.h
tests_unit_base_toml_LDADD = libbase.a $(UNIT_LIBS) $(CORE_LIBS)

if FUZZ
noinst_PROGRAMS += tests/fuzz/toml
else
check_PROGRAMS += tests/fuzz/toml
endif
tests_fuzz_toml_SOURCES = tests/fuzz/toml.c $(FUZZ_MAIN)
tests_fuzz_toml_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_toml_LDADD = libbase.a $(CORE_LIBS)
EXTRA_DIST += tests/fuzz/corpus/toml tests/fuzz/toml.dict
