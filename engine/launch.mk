# From a bundle to a process: what engine/launch.h and engine/enter.h promise.
libengine_a_SOURCES += \
	engine/caps.c engine/caps.h \
	engine/enter.c engine/enter.h \
	engine/launch_load.c engine/launch_plan.h \
	engine/launch_option.c \
	engine/seccomp.c engine/seccomp.h \
	engine/seccomp_profile.c engine/seccomp_profile.h \
	engine/user.c engine/user.h

mosslibexec_PROGRAMS += moss-init
moss_init_SOURCES = engine/init_main.c
moss_init_CFLAGS = -std=gnu11 $(WARN_CFLAGS) -Os -ffreestanding -fno-stack-protector -fno-pic \
	-fno-pie -fcf-protection=none -fno-asynchronous-unwind-tables -fno-builtin
moss_init_LDFLAGS = -static -nostdlib -nostartfiles -no-pie -Wl,--build-id=none -Wl,-z,noseparate-code \
	-Wl,-z,noexecstack -Wl,-s
