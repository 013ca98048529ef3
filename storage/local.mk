noinst_LIBRARIES += libstorage.a
libstorage_a_SOURCES = \
	storage/copy.c storage/copy.h \
	storage/copy_data.c storage/copy_data.h \
	storage/pack.c storage/pack.h \
	storage/pack_header.c storage/pack_header.h \
	storage/place.c storage/place.h \
	storage/place_entry.c storage/place_internal.h \
	storage/send_data.c storage/send_data.h \
	storage/union.c storage/union.h \
	storage/union_diff.c \
	storage/unpack_pax.c \
	storage/unpack_tar.c storage/unpack_tar.h storage/unpack_tar_internal.h \
	storage/db/check_page.c storage/db/check_page.h \
	storage/db/check_row.c storage/db/check_row.h \
	storage/db/container_row.c storage/db/container_row.h \
	storage/db/container_state.c \
	storage/db/db.c storage/db/db.h \
	storage/db/event_row.c storage/db/event_row.h \
	storage/db/id_range_row.c storage/db/id_range_row.h \
	storage/db/image_manifest_row.c storage/db/image_manifest_row.h \
	storage/db/image_row.c storage/db/image_row.h \
	storage/db/image_row_list.c \
	storage/db/layer_row.c storage/db/layer_row.h \
	storage/db/manifest_list_row.c storage/db/manifest_list_row.h \
	storage/db/page_sum.c storage/db/page_sum.h \
	storage/db/reserve.c storage/db/reserve.h \
	storage/db/schema.c \
	storage/db/sql.c storage/db/sql.h \
	storage/db/volume_row.c storage/db/volume_row.h \
	storage/db/trash_row.c storage/db/trash_row.h \
	storage/image.c storage/image.h \
	storage/image_commit.c \
	storage/image_delete.c \
	storage/image_manifest.c storage/image_manifest.h \
	storage/intent.c storage/intent.h \
	storage/keep.c storage/keep.h storage/keep_internal.h \
	storage/keep_restore.c \
	storage/layer_blob.c storage/layer_blob.h \
	storage/manifest_list.c storage/manifest_list.h \
	storage/mounted.c storage/mounted.h \
	storage/recover.c \
	storage/rootfs.c storage/rootfs.h storage/rootfs_internal.h \
	storage/rootfs_fuse.c \
	storage/rootfs_overlay.c \
	storage/rootfs_probe.c \
	storage/rootfs_vfs.c \
	storage/share_joining.c storage/share_joining.h \
	storage/shells.c storage/shells.h \
	storage/store.c storage/store.h \
	storage/trash.c \
	storage/upper.c storage/upper.h \
	storage/volume.c storage/volume.h \
	storage/volume_options.c storage/volume_options.h

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/storage_container
tests_unit_storage_container_SOURCES = tests/unit/storage_container.c tests/unit/storage_store.h
tests_unit_storage_container_LDADD = libstorage.a libbase.a $(UNIT_LIBS) $(CORE_LIBS)
check_PROGRAMS += tests/unit/storage_copy
tests_unit_storage_copy_SOURCES = tests/unit/storage_copy.c
tests_unit_storage_copy_LDADD = libstorage.a libbase.a $(UNIT_LIBS) $(CORE_LIBS)
check_PROGRAMS += tests/unit/storage_image
tests_unit_storage_image_SOURCES = tests/unit/storage_image.c
tests_unit_storage_image_LDADD = libstorage.a libbase.a $(UNIT_LIBS) $(CORE_LIBS)
check_PROGRAMS += tests/unit/storage_page
tests_unit_storage_page_SOURCES = tests/unit/storage_page.c tests/unit/storage_store.h
tests_unit_storage_page_LDADD = libstorage.a libbase.a $(UNIT_LIBS) $(CORE_LIBS)
check_PROGRAMS += tests/unit/storage_kill
tests_unit_storage_kill_SOURCES = tests/unit/storage_kill.c
tests_unit_storage_kill_LDADD = libstorage.a libbase.a $(UNIT_LIBS) $(CORE_LIBS)
check_PROGRAMS += tests/unit/storage_volume
tests_unit_storage_volume_SOURCES = tests/unit/storage_volume.c
tests_unit_storage_volume_LDADD = libstorage.a libbase.a $(UNIT_LIBS) $(CORE_LIBS)
endif

# Only moss-unpack links these (libcrypto, libarchive, isa-l, zstd).
noinst_LIBRARIES += libunpack.a
libunpack_a_CFLAGS = $(AM_CFLAGS) $(TRANSFER_CFLAGS) -pthread
libunpack_a_SOURCES = \
	storage/compress.c storage/compress.h \
	storage/deflate.c storage/deflate.h \
	storage/gzip_blocks.c storage/gzip_blocks.h \
	storage/pack.c storage/pack.h \
	storage/copy.c storage/copy.h \
	storage/copy_data.c storage/copy_data.h \
	storage/layer_check.c storage/layer_check.h storage/layer_wanted.c storage/layer_wanted.h \
	storage/layer_subtract.c storage/layer_subtract.h \
	storage/pack_header.c storage/pack_header.h \
	storage/pack_layer.c storage/pack_layer.h \
	storage/upper_tidy.c storage/upper_tidy.h \
	storage/share.c storage/share.h storage/share_internal.h \
	storage/share_link.c storage/share_link.h \
	storage/share_joining.c storage/share_joining.h \
	storage/share_match.c \
	storage/share_unpack.c \
	storage/tarsplit.c storage/tarsplit.h storage/tarsplit_internal.h \
	storage/tarsplit_assemble.c \
	storage/unpack.c storage/unpack.h \
	storage/unpack_file.c \
	storage/unpack_metadata.c \
	storage/unpack_inflate.c storage/unpack_inflate.h \
	storage/unpack_pax.c \
	storage/unpack_replace.c \
	storage/unpack_stream.c storage/unpack_stream.h \
	storage/unpack_tar.c storage/unpack_tar.h storage/unpack_tar_internal.h \
	storage/unpack_write.c storage/unpack_write.h storage/unpack_write_internal.h

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/compress
tests_unit_compress_SOURCES = tests/unit/compress.c
tests_unit_compress_LDADD = libunpack.a libbase.a $(UNIT_LIBS) $(TRANSFER_LIBS) $(CORE_LIBS) -lpthread
check_PROGRAMS += tests/unit/pack_layer
tests_unit_pack_layer_SOURCES = tests/unit/pack_layer.c
tests_unit_pack_layer_LDADD = libunpack.a libbase.a $(UNIT_LIBS) $(TRANSFER_LIBS) $(CORE_LIBS) -lpthread
check_PROGRAMS += tests/unit/share_joining
tests_unit_share_joining_SOURCES = tests/unit/share_joining.c
tests_unit_share_joining_LDADD = libstorage.a libbase.a $(UNIT_LIBS) $(CORE_LIBS)
check_PROGRAMS += tests/unit/unpack_layer
tests_unit_unpack_layer_SOURCES = tests/unit/unpack_layer.c tests/unit/unpack_tar_make.h
tests_unit_unpack_layer_LDADD = libunpack.a libbase.a $(UNIT_LIBS) $(TRANSFER_LIBS) $(CORE_LIBS) -lpthread
endif
