noinst_LIBRARIES += libcmd.a
libcmd_a_SOURCES = \
	cmd/volume.c \
	cmd/volume_export.c \
	cmd/volume_ls.c \
	cmd/volume_prune.c \
	cmd/volume_row.c cmd/volume_row.h \
	cmd/volume_select.c cmd/volume_select.h \
	cmd/system_boot.c \
	cmd/system_check.c \
	cmd/system_df.c cmd/system_df.h \
	cmd/system_df_type.c \
	cmd/system_prune.c \
	cmd/system_export.c \
	cmd/tag.c \
	cmd/undo.c \
	cmd/rmi.c \
	cmd/image_tree.c \
	cmd/images.c \
	cmd/image_exists.c \
	cmd/image_mount.c \
	cmd/image_filter.c cmd/image_filter.h \
	cmd/image_names.c cmd/image_names.h \
	cmd/image_prune.c \
	cmd/image_row.c cmd/image_row.h \
	cmd/images_tree.c cmd/images_tree.h \
	cmd/attach.c \
	cmd/confirm.c cmd/confirm.h \
	cmd/container_cleanup.c \
	cmd/container_exists.c \
	cmd/container_prune.c \
	cmd/cp.c \
	cmd/diff.c \
	cmd/export.c \
	cmd/create.c \
	cmd/doctor.c \
	cmd/unshare.c \
	cmd/untag.c \
	cmd/port.c \
	cmd/run.c \
	cmd/run_image.c \
	cmd/run_opts.c cmd/run_opts.h \
	cmd/client_config.c cmd/client_config.h \
	cmd/cmd.h \
	cmd/clone.c \
	cmd/commands.c \
	cmd/commit.c \
	cmd/complete.c \
	cmd/complete_names.c cmd/complete_names.h \
	cmd/filter.c cmd/filter.h \
	cmd/find.c \
	cmd/format/arena.c cmd/format/arena.h \
	cmd/format/eval.c cmd/format/exec_internal.h \
	cmd/format/exec.c cmd/format/exec.h \
	cmd/format/functions.c cmd/format/functions.h \
	cmd/format/functions_compare.c \
	cmd/format/functions_text.c \
	cmd/format/gofloat.c \
	cmd/format/gofmt.c \
	cmd/format/gojson.c \
	cmd/format/goprintf.c \
	cmd/format/gotype.c cmd/format/gotype.h \
	cmd/format/gotype_docker.c \
	cmd/format/human.c cmd/format/human.h \
	cmd/format/inspector.c cmd/format/inspector.h \
	cmd/format/lex.c cmd/format/lex.h \
	cmd/format/listing.c cmd/format/listing.h \
	cmd/format/literal.c cmd/format/literal.h \
	cmd/format/node.c cmd/format/node.h \
	cmd/format/parse.c cmd/format/template.h \
	cmd/format/parse_pipe.c cmd/format/parse_internal.h \
	cmd/format/tabwriter.c cmd/format/tabwriter.h \
	cmd/format/utf8.c cmd/format/utf8.h \
	cmd/format/value.c cmd/format/value.h \
	cmd/groups.c \
	cmd/healthcheck.c \
	cmd/help.c \
	cmd/help_command.c \
	cmd/history.c \
	cmd/info.c \
	cmd/info_registry.c cmd/info_registry.h \
	cmd/import.c \
	cmd/init.c \
	cmd/inspect.c \
	cmd/kill.c \
	cmd/load.c \
	cmd/mount.c \
	cmd/mount_list.c cmd/mount_list.h \
	cmd/log_tag.c cmd/log_tag.h \
	cmd/login.c \
	cmd/logout.c \
	cmd/logs.c \
	cmd/manifest.c \
	cmd/manifest_add.c \
	cmd/manifest_annotate.c \
	cmd/manifest_inspect.c \
	cmd/manifest_push.c cmd/manifest_push.h \
	cmd/manual.c \
	cmd/object.c cmd/object.h \
	cmd/opt.c cmd/opt.h \
	cmd/opt_value.c \
	cmd/pause.c \
	cmd/pick.c cmd/pick.h \
	cmd/stats.c \
	cmd/top.c \
	cmd/unpause.c \
	cmd/update.c \
	cmd/platform.c cmd/platform.h \
	cmd/events.c \
	cmd/exec.c \
	cmd/exec_ended.c \
	cmd/prune.c cmd/prune.h \
	cmd/ps.c cmd/ps.h \
	cmd/ps_filter.c cmd/ps_filter.h \
	cmd/ps_ports.c \
	cmd/ps_row.c \
	cmd/ps_scan.c \
	cmd/ps_select.c \
	cmd/ps_sort.c \
	cmd/pull.c \
	cmd/push.c \
	cmd/push_opts.c cmd/push_opts.h \
	cmd/push_transport.c cmd/push_transport.h \
	cmd/registry_opts.c cmd/registry_opts.h \
	cmd/pull_choose.c cmd/pull_choose.h \
	cmd/rename.c \
	cmd/report.c \
	cmd/restart.c \
	cmd/rm.c \
	cmd/search.c \
	cmd/save.c \
	cmd/save_output.c cmd/save_output.h \
	cmd/write_file.c cmd/write_file.h \
	cmd/start.c \
	cmd/stop.c \
	cmd/stop_opts.c cmd/stop_opts.h \
	cmd/suggest.c \
	cmd/version.c \
	cmd/wait.c

# Archives in the order of who knows whom.
MOSS_ARCHIVES = libcmd.a libengine.a libregistry.a libnetns.a libstorage.a libbase.a
bin_PROGRAMS += moss
moss_SOURCES = cmd/main.c $(NO_DLOPEN)
moss_LDFLAGS = $(AM_LDFLAGS) $(CORE_LDFLAGS)
moss_LDADD = $(MOSS_ARCHIVES) $(CORE_LIBS)
moss_DEPENDENCIES = $(MOSS_ARCHIVES)

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/format_golden
tests_unit_format_golden_SOURCES = tests/unit/format_golden.c
tests_unit_format_golden_LDADD = libcmd.a libbase.a $(JANSSON_LIBS) $(UNIT_LIBS) -lm
EXTRA_DIST += tests/golden/format

check_PROGRAMS += tests/unit/format_human
tests_unit_format_human_SOURCES = tests/unit/format_human.c
tests_unit_format_human_LDADD = libcmd.a libbase.a $(JANSSON_LIBS) $(UNIT_LIBS) -lm

check_PROGRAMS += tests/unit/format_template
tests_unit_format_template_SOURCES = tests/unit/format_template.c
tests_unit_format_template_LDADD = libcmd.a libbase.a $(JANSSON_LIBS) $(UNIT_LIBS) -lm

check_PROGRAMS += tests/unit/cmd_opt
tests_unit_cmd_opt_SOURCES = tests/unit/cmd_opt.c
tests_unit_cmd_opt_LDADD = libcmd.a libbase.a $(UNIT_LIBS)

check_PROGRAMS += tests/unit/cmd_ps
tests_unit_cmd_ps_SOURCES = tests/unit/cmd_ps.c
tests_unit_cmd_ps_LDADD = $(moss_LDADD) $(UNIT_LIBS)
tests_unit_cmd_ps_DEPENDENCIES = $(MOSS_ARCHIVES)

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
EXTRA_DIST += tests/fuzz/corpus/opt tests/fuzz/opt.dict tests/golden/cli tests/lib/golden-update

if FUZZ
noinst_PROGRAMS += tests/fuzz/template
else
check_PROGRAMS += tests/fuzz/template
endif
tests_fuzz_template_SOURCES = tests/fuzz/template.c $(FUZZ_MAIN)
tests_fuzz_template_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_template_LDADD = libcmd.a libbase.a $(JANSSON_LIBS) -lm
EXTRA_DIST += tests/fuzz/corpus/template tests/fuzz/template.dict
