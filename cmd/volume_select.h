/* volume_select: the --filter flags of volume ls and volume prune, and the questions about a volume
 * that more than one of the volume commands asks. Values of one filter are alternatives, labels
 * all needed; different filters must all hold. */
#ifndef CMD_VOLUME_SELECT_H
#define CMD_VOLUME_SELECT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "cmd/ps_filter.h"

struct err;
struct store;
struct volume;

struct volume_filter {
	struct filters given;
	bool has_dangling, dangling;
	bool has_anonymous, anonymous;
	int64_t after; /* created later than this, 0 = whenever */
	int64_t until; /* created before this, 0 = whenever */
};
void volume_filter_deinit(struct volume_filter *f);
#define auto_volume_filter __attribute__((cleanup(volume_filter_deinit))) struct volume_filter

/* known: the names the command has, NULL-terminated. */
int volume_filter_parse(struct store *s, const struct strv *typed, const char *const *known,
	struct volume_filter *out, struct err *e);
/* 1, 0 or -errno. */
int volume_filter_match(
	struct store *s, const struct volume_filter *f, const struct volume *v, struct err *e);

/* NULL where there are none. New references. */
json_t *volume_labels(const struct volume *v);
json_t *volume_options(const struct volume *v);
/* 1, 0 or -errno. */
int volume_is_used(struct store *s, const struct volume *v, struct err *e);
/* Deletes one that nothing uses; its files go at the next volume_purge. Docker's words where it is
 * used or missing (with force a missing one is success). */
int volume_remove_one(struct store *s, const char *name, bool force, struct err *e);
void volume_purge(struct store *s);

#endif
