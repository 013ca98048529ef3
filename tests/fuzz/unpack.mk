# Fuzz targets of what unpackers read (see cmd/local.mk for how they are built).
UNPACK_FUZZ = \
	tests/fuzz/archive \
	tests/fuzz/blobs \
	tests/fuzz/config \
	tests/fuzz/describe \
	tests/fuzz/index \
	tests/fuzz/inflate \
	tests/fuzz/layout \
	tests/fuzz/manifest \
	tests/fuzz/share \
	tests/fuzz/tar \
	tests/fuzz/tarsplit
if FUZZ
noinst_PROGRAMS += $(UNPACK_FUZZ)
else
check_PROGRAMS += $(UNPACK_FUZZ)
endif
UNPACK_FUZZ_LIBS = libtransfer.a libunpack.a libregistry.a libbase.a $(TRANSFER_LIBS) $(CORE_LIBS) -lpthread
tests_fuzz_archive_SOURCES = tests/fuzz/archive.c $(FUZZ_MAIN)
tests_fuzz_archive_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_archive_LDADD = $(UNPACK_FUZZ_LIBS)
EXTRA_DIST += tests/fuzz/corpus/archive
tests_fuzz_blobs_SOURCES = tests/fuzz/blobs.c $(FUZZ_MAIN)
tests_fuzz_blobs_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_blobs_LDADD = $(UNPACK_FUZZ_LIBS)
EXTRA_DIST += tests/fuzz/corpus/blobs
tests_fuzz_config_SOURCES = tests/fuzz/config.c $(FUZZ_MAIN)
tests_fuzz_config_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_config_LDADD = $(UNPACK_FUZZ_LIBS)
EXTRA_DIST += tests/fuzz/corpus/config tests/fuzz/config.dict
tests_fuzz_describe_SOURCES = tests/fuzz/describe.c $(FUZZ_MAIN)
tests_fuzz_describe_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_describe_LDADD = $(UNPACK_FUZZ_LIBS)
EXTRA_DIST += tests/fuzz/corpus/describe
tests_fuzz_index_SOURCES = tests/fuzz/index.c $(FUZZ_MAIN)
tests_fuzz_index_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_index_LDADD = $(UNPACK_FUZZ_LIBS)
EXTRA_DIST += tests/fuzz/corpus/index tests/fuzz/index.dict
tests_fuzz_inflate_SOURCES = tests/fuzz/inflate.c $(FUZZ_MAIN)
tests_fuzz_inflate_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_inflate_LDADD = $(UNPACK_FUZZ_LIBS)
EXTRA_DIST += tests/fuzz/corpus/inflate
tests_fuzz_layout_SOURCES = tests/fuzz/layout.c $(FUZZ_MAIN)
tests_fuzz_layout_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_layout_LDADD = $(UNPACK_FUZZ_LIBS)
EXTRA_DIST += tests/fuzz/corpus/layout tests/fuzz/layout.dict
tests_fuzz_manifest_SOURCES = tests/fuzz/manifest.c $(FUZZ_MAIN)
tests_fuzz_manifest_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_manifest_LDADD = $(UNPACK_FUZZ_LIBS)
EXTRA_DIST += tests/fuzz/corpus/manifest tests/fuzz/manifest.dict
tests_fuzz_share_SOURCES = tests/fuzz/share.c $(FUZZ_MAIN)
tests_fuzz_share_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_share_LDADD = $(UNPACK_FUZZ_LIBS)
EXTRA_DIST += tests/fuzz/corpus/share
tests_fuzz_tar_SOURCES = tests/fuzz/tar.c $(FUZZ_MAIN)
tests_fuzz_tar_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_tar_LDADD = $(UNPACK_FUZZ_LIBS)
EXTRA_DIST += tests/fuzz/corpus/tar tests/fuzz/tar.dict
tests_fuzz_tarsplit_SOURCES = tests/fuzz/tarsplit.c $(FUZZ_MAIN)
tests_fuzz_tarsplit_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_tarsplit_LDADD = $(UNPACK_FUZZ_LIBS)
EXTRA_DIST += tests/fuzz/corpus/tarsplit
