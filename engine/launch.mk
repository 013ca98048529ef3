# From a bundle to a process: what engine/launch.h and engine/enter.h promise.
libengine_a_SOURCES += \
	engine/enter.c engine/enter.h
