/* volume_options: what the local driver is told with --opt, as Docker's takes it: type, device and
 * o (the words of mount(8)'s -o). A volume with a device is not its own folder: each container
 * that uses it mounts the device instead (engine/stage_volume.c). uid and gid say who owns the
 * folder of a volume without one (--uid, --gid).
 */
#ifndef STORAGE_VOLUME_OPTIONS_H
#define STORAGE_VOLUME_OPTIONS_H

#include <jansson.h>
#include <stdbool.h>

struct err;

/* options: a JSON object of strings, or NULL. -EINVAL in the words of Docker's driver. */
int volume_options_check(const char *name, const json_t *options, struct err *e);
/* Whether there is a device to mount. */
bool volume_options_have_device(const json_t *options);
/* Whether what is mounted lives in the store's or the user's file system and so can be filled from
 * an image: a plain volume, or one that binds a folder. */
bool volume_options_keep_files(const json_t *options);

#endif
