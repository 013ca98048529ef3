EXTRA_DIST += engine/create.h engine/enter.h engine/launch.h engine/monitor.h engine/start.h
