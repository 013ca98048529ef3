# Objects of the unpacker are in an archive of their own: only moss-transfer links it.
EXTRA_DIST += storage/store.h storage/image.h storage/volume.h storage/rootfs.h storage/db/db.h storage/db/container_row.h
