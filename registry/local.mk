EXTRA_DIST += registry/reference.h
