# From a bundle to a process: what engine/launch.h and engine/enter.h promise.
libengine_a_SOURCES += \
	engine/caps.c engine/caps.h \
	engine/enter.c engine/enter.h \
	engine/exec.c engine/exec.h \
	engine/exec_serve.c \
	engine/launch_clone.c \
	engine/launch_exec.c \
	engine/launch_load.c engine/launch_plan.h \
	engine/launch_option.c \
	engine/seccomp.c engine/seccomp.h \
	engine/seccomp_profile.c engine/seccomp_profile.h \
	engine/stage_copyup.c \
	engine/stage_dev.c \
	engine/stage_fds.c \
	engine/stage_finish.c \
	engine/stage_inner.c \
	engine/stage_masks.c \
	engine/stage_mounts.c \
	engine/stage_sysctl.c \
	engine/stage_target.c \
	engine/stage.h \
	engine/user.c engine/user.h

mosslibexec_PROGRAMS += moss-init
moss_init_SOURCES = engine/init_main.c
moss_init_CFLAGS = -std=gnu11 $(WARN_CFLAGS) -Os -ffreestanding -fno-stack-protector -fno-pic \
	-fno-pie -fcf-protection=none -fno-asynchronous-unwind-tables -fno-builtin
moss_init_LDFLAGS = -static -nostdlib -nostartfiles -no-pie -Wl,--build-id=none -Wl,-z,noseparate-code \
	-Wl,-z,noexecstack -Wl,-s
