noinst_LIBRARIES += libregistry.a
libregistry_a_SOURCES = \
	registry/image_config.c \
	registry/manifest.c registry/manifest.h \
	registry/reference.c registry/reference.h

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/registry_reference
tests_unit_registry_reference_SOURCES = tests/unit/registry_reference.c
tests_unit_registry_reference_LDADD = libregistry.a libbase.a $(CORE_LIBS) $(UNIT_LIBS)
endif
