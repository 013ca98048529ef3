# A container's life: monitor, attach, log, start, stop, removal, reconciliation.
libengine_a_SOURCES += \
	engine/attach.c engine/attach.h \
	engine/attach_connect.c \
	engine/attach_container.c \
	engine/detach_keys.c \
	engine/ending.c engine/ending.h \
	engine/log.h \
	engine/log_config.c \
	engine/log_parse.c \
	engine/log_read.c \
	engine/log_time.c \
	engine/log_write.c \
	engine/logs.c \
	engine/monitor_options.c \
	engine/reconcile.c \
	engine/relay.c engine/relay.h \
	engine/remove.c \
	engine/signal.c \
	engine/start.c \
	engine/state.c engine/state.h \
	engine/stop.c

mosslibexec_PROGRAMS += moss-monitor
moss_monitor_SOURCES = \
	engine/monitor_ctl.c \
	engine/monitor_end.c \
	engine/monitor_internal.h \
	engine/monitor_io.c \
	engine/monitor_loop.c \
	engine/monitor_main.c \
	engine/monitor_setup.c
moss_monitor_LDADD = libengine.a libnetns.a libstorage.a libbase.a $(CORE_LIBS) -lm
moss_monitor_DEPENDENCIES = libengine.a libnetns.a libstorage.a libbase.a
