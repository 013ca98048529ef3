/* mount_list: what is mounted, as moss mount and moss image mount print it. */
#ifndef CMD_MOUNT_LIST_H
#define CMD_MOUNT_LIST_H

#include <jansson.h>

#include "base/str.h"

struct err;

struct mount_list {
	struct strv names, paths;
};
#define MOUNT_LIST_INIT ((struct mount_list){STRV_INIT, STRV_INIT})

/* -EINVAL where it is neither NULL nor json. */
int mount_list_check_format(const char *format, struct err *e);
void mount_list_add(struct mount_list *l, const char *name, const char *path);
/* Two columns. */
void mount_list_print(const struct mount_list *l);
void mount_list_json(const json_t *all);
void mount_list_deinit(struct mount_list *l);

#endif
