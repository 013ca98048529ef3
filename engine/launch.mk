# From a bundle to a process: what engine/launch.h and engine/enter.h promise.
libengine_a_SOURCES += \
	engine/caps.c engine/caps.h \
	engine/cgroup.c engine/cgroup.h \
	engine/cgroup_limit.c \
	engine/cgroup_place.c \
	engine/cgroup_scope.c engine/cgroup_scope.h \
	engine/enter.c engine/enter.h \
	engine/exec.c engine/exec.h \
	engine/exec_record.c engine/exec_record.h \
	engine/exec_serve.c \
	engine/launch_build.c engine/launch_build.h \
	engine/launch_clone.c \
	engine/launch_exec.c \
	engine/launch_load.c engine/launch_plan.h \
	engine/launch_option.c \
	engine/seccomp.c engine/seccomp.h \
	engine/seccomp_profile.c engine/seccomp_profile.h \
	engine/stage_builder.c \
	engine/stage_copyup.c \
	engine/stage_dev.c \
	engine/stage_fds.c \
	engine/stage_finish.c \
	engine/stage_inner.c \
	engine/stage_join.c \
	engine/stage_masks.c \
	engine/stage_mounts.c \
	engine/stage_overlay.c \
	engine/stage_outside.c \
	engine/stage_own.c \
	engine/stage_source.c \
	engine/stage_volume.c \
	engine/stage_passwd.c \
	engine/stage_sysctl.c \
	engine/stage_target.c \
	engine/stage.h engine/stub.h \
	engine/user.c engine/user.h

mosslibexec_PROGRAMS += moss-init
moss_init_SOURCES = engine/init_main.c
moss_init_CFLAGS = -std=gnu11 $(WARN_CFLAGS) -Os -ffreestanding -fno-stack-protector -fno-pic \
	-fno-pie -fcf-protection=none -fno-asynchronous-unwind-tables -fno-builtin
moss_init_LDFLAGS = -static -nostdlib -nostartfiles -no-pie -Wl,--build-id=none -Wl,-z,noseparate-code \
	-Wl,-z,noexecstack -Wl,-s

if HAVE_CMOCKA
check_PROGRAMS += \
	tests/unit/base_userns \
	tests/unit/engine_launch \
	tests/unit/engine_seccomp \
	tests/unit/engine_user
tests_unit_base_userns_SOURCES = tests/unit/base_userns.c
tests_unit_base_userns_LDADD = libbase.a $(UNIT_LIBS) $(CORE_LIBS)
tests_unit_engine_launch_SOURCES = tests/unit/engine_launch.c
tests_unit_engine_launch_LDADD = libengine.a libstorage.a libbase.a $(UNIT_LIBS) $(CORE_LIBS)
tests_unit_engine_seccomp_SOURCES = tests/unit/engine_seccomp.c
tests_unit_engine_seccomp_LDADD = libengine.a libbase.a $(UNIT_LIBS) $(CORE_LIBS)
tests_unit_engine_user_SOURCES = tests/unit/engine_user.c
tests_unit_engine_user_LDADD = libengine.a libbase.a $(UNIT_LIBS) $(CORE_LIBS)
endif

if FUZZ
noinst_PROGRAMS += tests/fuzz/passwd
else
check_PROGRAMS += tests/fuzz/passwd
endif
tests_fuzz_passwd_SOURCES = tests/fuzz/passwd.c $(FUZZ_MAIN)
tests_fuzz_passwd_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_passwd_LDADD = libengine.a libbase.a $(CORE_LIBS)
EXTRA_DIST += tests/fuzz/corpus/passwd

if FUZZ
noinst_PROGRAMS += tests/fuzz/copy_wire
else
check_PROGRAMS += tests/fuzz/copy_wire
endif
tests_fuzz_copy_wire_SOURCES = tests/fuzz/copy_wire.c $(FUZZ_MAIN)
tests_fuzz_copy_wire_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_copy_wire_LDADD = libengine.a libbase.a $(CORE_LIBS)
EXTRA_DIST += tests/fuzz/corpus/copy_wire

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/engine_copy_plan
tests_unit_engine_copy_plan_SOURCES = tests/unit/engine_copy_plan.c
tests_unit_engine_copy_plan_LDADD = libengine.a libbase.a $(UNIT_LIBS) $(CORE_LIBS)
endif
