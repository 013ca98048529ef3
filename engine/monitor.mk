# A container's life: monitor, attach, log, start, stop, removal, reconciliation.
libengine_a_SOURCES += \
	engine/attach.c engine/attach.h \
	engine/attach_connect.c \
	engine/detach_keys.c \
	engine/ending.c engine/ending.h \
	engine/log.h \
	engine/log_config.c \
	engine/log_parse.c \
	engine/log_read.c \
	engine/log_time.c \
	engine/log_write.c \
	engine/monitor_options.c \
	engine/reconcile.c \
	engine/relay.c engine/relay.h \
	engine/remove.c \
	engine/signal.c \
	engine/start.c \
	engine/state.c engine/state.h \
	engine/stop.c
