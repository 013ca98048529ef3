# Objects of the unpacker are in an archive of their own: only moss-transfer links it.
noinst_LIBRARIES += libstorage.a
libstorage_a_SOURCES = \
	storage/db/container_row.c storage/db/container_row.h \
	storage/db/container_state.c \
	storage/db/db.c storage/db/db.h \
	storage/db/event_row.c \
	storage/db/image_row.c storage/db/image_row.h \
	storage/db/layer_row.c storage/db/layer_row.h \
	storage/db/schema.c \
	storage/db/sql.c storage/db/sql.h \
	storage/image.c storage/image.h \
	storage/image_commit.c \
	storage/image_delete.c \
	storage/intent.c storage/intent.h \
	storage/recover.c \
	storage/store.c storage/store.h \
	storage/trash.c
EXTRA_DIST += storage/volume.h storage/rootfs.h

check_PROGRAMS += tests/unit/storage_container
tests_unit_storage_container_SOURCES = tests/unit/storage_container.c tests/unit/storage_store.h
tests_unit_storage_container_LDADD = libstorage.a libbase.a $(UNIT_LIBS) $(CORE_LIBS)

check_PROGRAMS += tests/unit/storage_image
tests_unit_storage_image_SOURCES = tests/unit/storage_image.c
tests_unit_storage_image_LDADD = libstorage.a libbase.a $(UNIT_LIBS) $(CORE_LIBS)
