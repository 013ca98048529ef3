noinst_LIBRARIES += libregistry.a
# moss links this too, and gets only what it calls: nothing that needs libcurl or libcrypto.
libregistry_a_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS) $(CRYPTO_CFLAGS)
libregistry_a_SOURCES = \
	registry/auth.c registry/auth.h \
	registry/blob.c registry/blob.h \
	registry/certs.c registry/certs.h \
	registry/challenge.c registry/challenge.h \
	registry/client.c registry/client.h \
	registry/credentials.c registry/credentials.h \
	registry/failure.c registry/failure.h \
	registry/http.c registry/http.h \
	registry/image_config.c \
	registry/manifest.c registry/manifest.h \
	registry/parts.c registry/parts.h \
	registry/reference.c registry/reference.h

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/registry_reference
tests_unit_registry_reference_SOURCES = tests/unit/registry_reference.c
tests_unit_registry_reference_LDADD = libregistry.a libbase.a $(CORE_LIBS) $(UNIT_LIBS)
endif
