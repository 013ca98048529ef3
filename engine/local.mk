EXTRA_DIST += engine/create.h engine/enter.h engine/launch.h engine/monitor.h engine/start.h
noinst_LIBRARIES += libengine.a
libengine_a_SOURCES = \
	engine/transfer/proto.c engine/transfer/proto.h \
	engine/transfer/unpacker.c engine/transfer/unpacker.h
include engine/transfer/local.mk
include engine/launch.mk
include engine/create.mk
