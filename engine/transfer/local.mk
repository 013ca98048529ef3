# What only moss-transfer links; moss's side of it (proto, unpacker, pull, load) is in libengine.a.
EXTRA_DIST += engine/transfer/pull.h engine/transfer/main.c engine/transfer/roles.h
