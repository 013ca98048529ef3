# A container's life: monitor, attach, log, start, stop, removal, reconciliation.
libengine_a_SOURCES += \
	engine/attach.c engine/attach.h \
	engine/attach_connect.c \
	engine/attach_container.c \
	engine/bind_hint.c engine/bind_hint.h \
	engine/detach_keys.c \
	engine/ending.c engine/ending.h \
	engine/event.c engine/event.h \
	engine/event_follow.c engine/event_follow.h \
	engine/health.c engine/health.h \
	engine/health_check.c \
	engine/health_config.c \
	engine/log.h \
	engine/log_attrs.c \
	engine/log_config.c \
	engine/log_file.c engine/log_file.h \
	engine/log_journal.c engine/log_journal.h \
	engine/log_json.c \
	engine/log_json_parse.c \
	engine/log_local.c \
	engine/log_local_parse.c \
	engine/log_read.c engine/log_read.h \
	engine/log_read_journal.c \
	engine/log_record.h \
	engine/log_slots.c \
	engine/log_time.c \
	engine/log_write.c engine/log_write.h \
	engine/logs.c \
	engine/members.c engine/members.h \
	engine/monitor_options.c \
	engine/pause.c engine/pause.h \
	engine/procstat.c engine/procstat.h \
	engine/reconcile.c \
	engine/relay.c engine/relay.h \
	engine/remove.c \
	engine/rename.c engine/rename.h \
	engine/restart.c engine/restart.h \
	engine/restart_hint.c \
	engine/run_sweep.c engine/run_sweep.h \
	engine/signal.c \
	engine/stand.c engine/stand.h \
	engine/start.c engine/start_internal.h \
	engine/stats.c engine/stats.h \
	engine/state.c engine/state.h \
	engine/stop.c \
	engine/top.c engine/top.h \
	engine/top_columns.c \
	engine/update.c engine/update.h \
	engine/wait.c engine/wait.h

mosslibexec_PROGRAMS += moss-monitor
moss_monitor_LDFLAGS = $(AM_LDFLAGS) $(CORE_LDFLAGS)
moss_monitor_SOURCES = $(NO_DLOPEN) \
	engine/monitor_again.c \
	engine/monitor_ctl.c \
	engine/monitor_end.c \
	engine/monitor_health.c \
	engine/monitor_internal.h \
	engine/monitor_io.c \
	engine/monitor_loop.c \
	engine/monitor_main.c \
	engine/monitor_setup.c \
	engine/monitor_stand.c
moss_monitor_LDADD = libengine.a libnetns.a libstorage.a libbase.a $(CORE_LIBS) -lm
moss_monitor_DEPENDENCIES = libengine.a libnetns.a libstorage.a libbase.a

mosslibexec_PROGRAMS += moss-log
moss_log_SOURCES = engine/log_main.c
moss_log_CFLAGS = $(AM_CFLAGS) $(ISAL_CFLAGS)
moss_log_LDADD = libengine.a libbase.a $(ISAL_LIBS)

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/engine_life
tests_unit_engine_life_SOURCES = tests/unit/engine_life.c
tests_unit_engine_life_LDADD = libengine.a libstorage.a libbase.a $(CORE_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/engine_health
tests_unit_engine_health_SOURCES = tests/unit/engine_health.c
tests_unit_engine_health_LDADD = libengine.a libnetns.a libstorage.a libbase.a $(CORE_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/engine_restart
tests_unit_engine_restart_SOURCES = tests/unit/engine_restart.c
tests_unit_engine_restart_LDADD = libengine.a libnetns.a libstorage.a libbase.a $(CORE_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/engine_log tests/unit/engine_log_kill
tests_unit_engine_log_kill_SOURCES = tests/unit/engine_log_kill.c
tests_unit_engine_log_kill_LDADD = libengine.a libstorage.a libbase.a $(CORE_LIBS) $(UNIT_LIBS)
tests_unit_engine_log_SOURCES = tests/unit/engine_log.c
tests_unit_engine_log_LDADD = libengine.a libstorage.a libbase.a $(CORE_LIBS) $(UNIT_LIBS)
endif

if FUZZ
noinst_PROGRAMS += tests/fuzz/log_line
else
check_PROGRAMS += tests/fuzz/log_line
endif
tests_fuzz_log_line_SOURCES = tests/fuzz/log_line.c $(FUZZ_MAIN)
tests_fuzz_log_line_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_log_line_LDADD = libengine.a libbase.a $(CORE_LIBS)
EXTRA_DIST += tests/fuzz/corpus/log_line
