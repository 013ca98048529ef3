# What the two helper programs link; moss's side of them (proto, unpacker, pull, load) is in
# libengine.a.
noinst_LIBRARIES += libtransfer.a
libtransfer_a_CFLAGS = $(AM_CFLAGS) $(TRANSFER_CFLAGS)
libtransfer_a_SOURCES = \
	engine/transfer/confine.c engine/transfer/confine.h engine/transfer/confine_internal.h \
	engine/transfer/confine_filter.c \
	engine/transfer/fetch_push.c engine/transfer/fetch_push.h \
	engine/transfer/fetch_role.c \
	engine/transfer/fetch_url.c \
	engine/transfer/proto.c engine/transfer/proto.h \
	engine/transfer/role_main.c engine/transfer/roles.h \
	engine/transfer/unpack_archive.c \
	engine/transfer/unpack_archive_layers.c engine/transfer/unpack_archive_layers.h \
	engine/transfer/unpack_assemble.c \
	engine/transfer/unpack_blobs.c \
	engine/transfer/unpack_check.c \
	engine/transfer/unpack_commit.c \
	engine/transfer/unpack_describe.c \
	engine/transfer/unpack_layout.c engine/transfer/unpack_layout.h \
	engine/transfer/unpack_role.c engine/transfer/unpack_role.h \
	engine/transfer/unpack_select.c engine/transfer/unpack_select.h \
	engine/transfer/unpack_share.c \
	engine/transfer/unpack_signature.c \
	engine/transfer/unpack_spool.c engine/transfer/unpack_spool.h \
	engine/transfer/unpack_spool_fill.c

mosslibexec_PROGRAMS += moss-transfer moss-unpack
moss_transfer_SOURCES = engine/transfer/main.c
moss_transfer_LDADD = libtransfer.a libregistry.a libbase.a $(CURL_LIBS) $(CRYPTO_LIBS) $(ISAL_LIBS) $(CORE_LIBS)
moss_unpack_SOURCES = engine/transfer/unpack_main.c
moss_unpack_LDADD = libtransfer.a libunpack.a libregistry.a libbase.a \
	$(UNPACK_LIBS) $(CORE_LIBS) -lpthread

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/roles_inside
tests_unit_roles_inside_SOURCES = tests/unit/roles_inside.c
tests_unit_roles_inside_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS)
tests_unit_roles_inside_LDADD = libtransfer.a libunpack.a libregistry.a libbase.a \
	$(UNIT_LIBS) $(TRANSFER_LIBS) $(CORE_LIBS) -lpthread
check_PROGRAMS += tests/unit/unpack_select
tests_unit_unpack_select_SOURCES = tests/unit/unpack_select.c
tests_unit_unpack_select_LDADD = libtransfer.a libunpack.a libregistry.a libbase.a \
	$(UNIT_LIBS) $(TRANSFER_LIBS) $(CORE_LIBS) -lpthread
check_PROGRAMS += tests/unit/unpack_confine
tests_unit_unpack_confine_SOURCES = tests/unit/unpack_confine.c
tests_unit_unpack_confine_LDADD = libtransfer.a libbase.a $(UNIT_LIBS) $(CORE_LIBS) -lpthread
endif

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/engine_migrate
tests_unit_engine_migrate_SOURCES = tests/unit/engine_migrate.c
tests_unit_engine_migrate_LDADD = libengine.a libregistry.a libbase.a $(CORE_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/engine_transfer
tests_unit_engine_transfer_SOURCES = tests/unit/engine_transfer.c
tests_unit_engine_transfer_LDADD = libengine.a libbase.a $(CORE_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/engine_progress
tests_unit_engine_progress_SOURCES = tests/unit/engine_progress.c
tests_unit_engine_progress_LDADD = libengine.a libbase.a $(CORE_LIBS) $(UNIT_LIBS) -lutil
endif
if HAVE_CMOCKA
check_PROGRAMS += tests/unit/engine_push
tests_unit_engine_push_SOURCES = tests/unit/engine_push.c
tests_unit_engine_push_LDADD = libengine.a libregistry.a libnetns.a libstorage.a libbase.a $(CORE_LIBS) $(UNIT_LIBS)
endif
include tests/fuzz/unpack.mk
