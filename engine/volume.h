/* volume: what is done with the files of a volume from outside a container. Only volumes whose
 * files are in the store have any: one with a device is mounted by the containers that use it.
 */
#ifndef ENGINE_VOLUME_H
#define ENGINE_VOLUME_H

#include <stdint.h>

struct err;
struct store;
struct volume;

/* Gives the volume's folder to an id of the containers' (-1: left as it is). */
int volume_own(struct store *s, const struct volume *v, int64_t uid, int64_t gid, struct err *e);
/* -ENOTSUP, naming the device, for a volume that has one. `doing` as in "cannot export". */
int volume_check_plain(const struct volume *v, const char *doing, struct err *e);
/* The volume's files as a tar stream to fd, the caller's. What changes meanwhile: storage/pack.h. */
int volume_export(struct store *s, const struct volume *v, int fd, struct err *e);

#endif
