noinst_LIBRARIES += libbase.a
libbase_a_SOURCES = \
	base/clock.c base/clock.h \
	base/err.c base/err.h \
	base/io.c base/io.h \
	base/json.c base/json.h \
	base/lock.c base/lock.h \
	base/msg.c base/msg.h \
	base/path.c base/path.h \
	base/proc.c base/proc.h \
	base/scope.c base/scope.h \
	base/spawn.c base/spawn.h \
	base/str.c base/str.h
