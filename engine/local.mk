EXTRA_DIST += engine/create.h engine/enter.h engine/launch.h engine/monitor.h engine/start.h
noinst_LIBRARIES += libengine.a
libengine_a_SOURCES = \
	engine/check.c engine/check.h engine/check_internal.h \
	engine/check_repair.c \
	engine/clone.c engine/clone.h \
	engine/commit.c engine/commit.h \
	engine/commit_base.c engine/commit_base.h \
	engine/copy.c engine/copy.h engine/copy_internal.h \
	engine/copy_container.c \
	engine/copy_host.c \
	engine/copy_inside.c engine/copy_inside.h \
	engine/copy_plan.c engine/copy_plan.h \
	engine/copy_stream.c \
	engine/copy_wire.c engine/copy_wire.h \
	engine/diff.c engine/diff.h \
	engine/export.c engine/export.h \
	engine/rootview.c engine/rootview.h engine/rootview_internal.h \
	engine/rootview_confine.c \
	engine/rootview_mount.c \
	engine/commit_change.c engine/commit_change.h engine/commit_internal.h \
	engine/commit_health.c \
	engine/commit_image.c engine/commit_image.h \
	engine/commit_pause.c engine/commit_pause.h \
	engine/commit_words.c \
	engine/import.c engine/import.h \
	engine/manifest_list.c engine/manifest_list.h \
	engine/usage.c engine/usage.h \
	engine/usage_blocks.c engine/usage_blocks.h \
	engine/usage_walk.c engine/usage_walk.h \
	engine/history.c engine/history.h \
	engine/image_platform.c engine/image_platform.h \
	engine/image_like.c engine/image_like.h \
	engine/image_name.c engine/image_name.h \
	engine/image_remove.c engine/image_remove.h \
	engine/image_tree.c engine/image_tree.h \
	engine/doctor.c engine/doctor.h engine/doctor_internal.h \
	engine/doctor_dns.c \
	engine/doctor_machine.c \
	engine/doctor_session.c \
	engine/doctor_userns.c \
	engine/enter_shell.c engine/enter_shell.h \
	engine/hold.c engine/hold.h \
	engine/host.c engine/host.h \
	engine/inspect_image.c engine/inspect_object.h \
	engine/mount.c engine/mount.h engine/mount_internal.h \
	engine/mount_image.c \
	engine/share.c engine/share.h engine/share_internal.h \
	engine/share_link.c \
	engine/size.c engine/size.h \
	engine/volume.c engine/volume.h \
	engine/undo.c engine/undo.h \
	engine/transfer/document.c engine/transfer/document.h \
	engine/transfer/fetcher.c engine/transfer/fetcher.h \
	engine/transfer/kept_layer.c engine/transfer/kept_layer.h \
	engine/transfer/load.c \
	engine/transfer/login.c engine/transfer/login.h \
	engine/transfer/admit.c engine/transfer/admit.h \
	engine/transfer/own_manifest.c engine/transfer/own_manifest.h \
	engine/transfer/places.c engine/transfer/places.h \
	engine/transfer/migrate.c engine/transfer/migrate.h \
	engine/transfer/migrate_internal.h engine/transfer/migrate_storage.c \
	engine/transfer/platform.c engine/transfer/platform.h \
	engine/transfer/assemble.c engine/transfer/assemble.h \
	engine/transfer/save.c engine/transfer/save.h \
	engine/transfer/save_internal.h \
	engine/transfer/save_documents.c \
	engine/transfer/save_member.c \
	engine/transfer/save_out.c \
	engine/transfer/progress.c engine/transfer/progress.h \
	engine/transfer/progress_text.c \
	engine/transfer/proto.c engine/transfer/proto.h \
	engine/transfer/search.c engine/transfer/search.h \
	engine/transfer/pull.c engine/transfer/pull.h engine/transfer/pull_internal.h \
	engine/transfer/pull_find.c \
	engine/transfer/pull_layers.c engine/transfer/pull_layers.h \
	engine/transfer/pull_layers_hear.c engine/transfer/pull_layers_internal.h \
	engine/transfer/pull_layers_lock.c \
	engine/transfer/push.c engine/transfer/push.h engine/transfer/push_internal.h \
	engine/transfer/push_form.c \
	engine/transfer/push_items.c engine/transfer/push_items.h \
	engine/transfer/push_items_internal.h \
	engine/transfer/push_layer.c \
	engine/transfer/push_request.c \
	engine/transfer/push_source.c \
	engine/transfer/push_manifest.c engine/transfer/push_manifest.h \
	engine/transfer/manifest_member.c engine/transfer/manifest_member.h \
	engine/transfer/member_source.c engine/transfer/member_source.h \
	engine/transfer/member_transport.c \
	engine/transfer/transport_blobs.c engine/transfer/transport_blobs.h \
	engine/transfer/manifest_push.c engine/transfer/manifest_push.h \
	engine/transfer/pull_room.c \
	engine/transfer/pull_transport.c engine/transfer/pull_transport.h \
	engine/transfer/unpacker.c engine/transfer/unpacker.h \
	engine/transfer/write_folder.c engine/transfer/write_folder.h
include engine/transfer/local.mk
include engine/launch.mk
include engine/create.mk
include engine/monitor.mk

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/engine_change
tests_unit_engine_change_SOURCES = tests/unit/engine_change.c
tests_unit_engine_change_LDADD = libengine.a libstorage.a libregistry.a libbase.a $(CORE_LIBS) $(UNIT_LIBS)
endif

if FUZZ
noinst_PROGRAMS += tests/fuzz/change
else
check_PROGRAMS += tests/fuzz/change
endif
tests_fuzz_change_SOURCES = tests/fuzz/change.c $(FUZZ_MAIN)
tests_fuzz_change_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_change_LDADD = libengine.a libstorage.a libregistry.a libbase.a $(CORE_LIBS)
EXTRA_DIST += tests/fuzz/corpus/change tests/fuzz/change.dict
