noinst_LIBRARIES += libregistry.a
# moss links this too, and gets only what it calls: nothing that needs libcurl or libcrypto.
libregistry_a_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS) $(CRYPTO_CFLAGS) $(ISAL_CFLAGS)
libregistry_a_SOURCES = \
	registry/auth.c registry/auth.h \
	registry/blob.c registry/blob.h \
	registry/certs.c registry/certs.h \
	registry/challenge.c registry/challenge.h \
	registry/client.c registry/client.h \
	registry/credential_helper.c registry/credential_helper.h \
	registry/credential_store.c registry/credential_store.h \
	registry/credentials.c registry/credentials.h \
	registry/credentials_file.c registry/credentials_file.h \
	registry/failure.c registry/failure.h \
	registry/http.c registry/http.h \
	registry/http_reply.c \
	registry/image_config.c \
	registry/login.c registry/login.h \
	registry/manifest.c registry/manifest.h \
	registry/no_proxy.c registry/no_proxy.h \
	registry/part_sums.c registry/part_sums.h \
	registry/parts.c registry/parts.h \
	registry/probe.c \
	registry/policy.c registry/policy.h \
	registry/policy_attachments.c \
	registry/policy_match.c \
	registry/reference.c registry/reference.h \
	registry/registries.c registry/registries.h \
	registry/registries_match.c \
	registry/registries_read.c \
	registry/search.c registry/search.h \
	registry/search_read.c \
	registry/sigstore.c registry/sigstore.h \
	registry/sigstore_tag.c \
	registry/transport.c registry/transport.h \
	registry/upload.c registry/upload.h

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/registry_challenge
tests_unit_registry_challenge_SOURCES = tests/unit/registry_challenge.c
tests_unit_registry_challenge_LDADD = libregistry.a libbase.a $(CORE_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/registry_credentials
tests_unit_registry_credentials_SOURCES = tests/unit/registry_credentials.c
tests_unit_registry_credentials_LDADD = libregistry.a libbase.a $(CORE_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/registry_credentials_file
tests_unit_registry_credentials_file_SOURCES = tests/unit/registry_credentials_file.c
tests_unit_registry_credentials_file_LDADD = libregistry.a libbase.a $(CORE_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/registry_http
tests_unit_registry_http_SOURCES = tests/unit/registry_http.c
tests_unit_registry_http_LDADD = libregistry.a libbase.a $(TRANSFER_LIBS) $(CORE_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/registry_part_sums
tests_unit_registry_part_sums_SOURCES = tests/unit/registry_part_sums.c
tests_unit_registry_part_sums_LDADD = libregistry.a libbase.a $(ISAL_LIBS) $(CORE_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/registry_parts
tests_unit_registry_parts_SOURCES = tests/unit/registry_parts.c
tests_unit_registry_parts_LDADD = libregistry.a libbase.a $(ISAL_LIBS) $(CORE_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/registry_search
tests_unit_registry_search_SOURCES = tests/unit/registry_search.c
tests_unit_registry_search_LDADD = libregistry.a libbase.a $(CORE_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/registry_reference
tests_unit_registry_reference_SOURCES = tests/unit/registry_reference.c
tests_unit_registry_reference_LDADD = libregistry.a libbase.a $(CORE_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/registry_transport
tests_unit_registry_transport_SOURCES = tests/unit/registry_transport.c
tests_unit_registry_transport_LDADD = libregistry.a libbase.a $(CORE_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/registry_policy
tests_unit_registry_policy_SOURCES = tests/unit/registry_policy.c tests/unit/unit.h
tests_unit_registry_policy_LDADD = libregistry.a libbase.a $(CORE_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/registry_sigstore
tests_unit_registry_sigstore_SOURCES = tests/unit/registry_sigstore.c tests/unit/unit.h
tests_unit_registry_sigstore_LDADD = libregistry.a libbase.a $(CRYPTO_LIBS) $(CORE_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/registry_registries
tests_unit_registry_registries_SOURCES = tests/unit/registry_registries.c tests/unit/unit.h
tests_unit_registry_registries_LDADD = libregistry.a libbase.a $(CORE_LIBS) $(UNIT_LIBS)
endif

if FUZZ
noinst_PROGRAMS += \
	tests/fuzz/credential_helper \
	tests/fuzz/credentials \
	tests/fuzz/reference \
	tests/fuzz/policy \
	tests/fuzz/registries \
	tests/fuzz/registry_headers \
	tests/fuzz/sigstore \
	tests/fuzz/search \
	tests/fuzz/token \
	tests/fuzz/upload_headers \
	tests/fuzz/www_authenticate
else
check_PROGRAMS += \
	tests/fuzz/credential_helper \
	tests/fuzz/credentials \
	tests/fuzz/reference \
	tests/fuzz/policy \
	tests/fuzz/registries \
	tests/fuzz/registry_headers \
	tests/fuzz/sigstore \
	tests/fuzz/search \
	tests/fuzz/token \
	tests/fuzz/upload_headers \
	tests/fuzz/www_authenticate
endif
tests_fuzz_credential_helper_SOURCES = tests/fuzz/credential_helper.c $(FUZZ_MAIN)
tests_fuzz_credential_helper_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_credential_helper_LDADD = libregistry.a libbase.a $(CORE_LIBS)
EXTRA_DIST += tests/fuzz/corpus/credential_helper
tests_fuzz_credentials_SOURCES = tests/fuzz/credentials.c $(FUZZ_MAIN)
tests_fuzz_credentials_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_credentials_LDADD = libregistry.a libbase.a $(CORE_LIBS)
EXTRA_DIST += tests/fuzz/corpus/credentials tests/fuzz/credentials.dict
tests_fuzz_reference_SOURCES = tests/fuzz/reference.c $(FUZZ_MAIN)
tests_fuzz_reference_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_reference_LDADD = libregistry.a libbase.a $(CORE_LIBS)
EXTRA_DIST += tests/fuzz/corpus/reference tests/fuzz/reference.dict
tests_fuzz_policy_SOURCES = tests/fuzz/policy.c $(FUZZ_MAIN)
tests_fuzz_policy_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_policy_LDADD = libregistry.a libbase.a $(CORE_LIBS)
EXTRA_DIST += tests/fuzz/corpus/policy
tests_fuzz_registry_headers_SOURCES = tests/fuzz/registry_headers.c $(FUZZ_MAIN)
tests_fuzz_registry_headers_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_registry_headers_LDADD = libregistry.a libbase.a $(TRANSFER_LIBS) $(CORE_LIBS)
EXTRA_DIST += tests/fuzz/corpus/registry_headers
tests_fuzz_sigstore_SOURCES = tests/fuzz/sigstore.c $(FUZZ_MAIN)
tests_fuzz_sigstore_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_sigstore_LDADD = libregistry.a libbase.a $(CRYPTO_LIBS) $(CORE_LIBS)
EXTRA_DIST += tests/fuzz/corpus/sigstore
tests_fuzz_registries_SOURCES = tests/fuzz/registries.c $(FUZZ_MAIN)
tests_fuzz_registries_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_registries_LDADD = libregistry.a libbase.a $(CORE_LIBS)
EXTRA_DIST += tests/fuzz/corpus/registries
tests_fuzz_search_SOURCES = tests/fuzz/search.c $(FUZZ_MAIN)
tests_fuzz_search_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_search_LDADD = libregistry.a libbase.a $(CORE_LIBS)
EXTRA_DIST += tests/fuzz/corpus/search tests/fuzz/search.dict
tests_fuzz_token_SOURCES = tests/fuzz/token.c $(FUZZ_MAIN)
tests_fuzz_token_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_token_LDADD = libregistry.a libbase.a $(TRANSFER_LIBS) $(CORE_LIBS)
EXTRA_DIST += tests/fuzz/corpus/token
tests_fuzz_upload_headers_SOURCES = tests/fuzz/upload_headers.c $(FUZZ_MAIN)
tests_fuzz_upload_headers_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_upload_headers_LDADD = libregistry.a libbase.a $(TRANSFER_LIBS) $(CORE_LIBS)
EXTRA_DIST += tests/fuzz/corpus/upload_headers
tests_fuzz_www_authenticate_SOURCES = tests/fuzz/www_authenticate.c $(FUZZ_MAIN)
tests_fuzz_www_authenticate_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_www_authenticate_LDADD = libregistry.a libbase.a $(CORE_LIBS)
EXTRA_DIST += tests/fuzz/corpus/www_authenticate tests/fuzz/www_authenticate.dict
if HAVE_CMOCKA
check_PROGRAMS += tests/unit/manifest
tests_unit_manifest_SOURCES = tests/unit/manifest.c
tests_unit_manifest_LDADD = libregistry.a libbase.a $(CORE_LIBS) $(UNIT_LIBS)
endif
