/* The words of a mount's option list: flags of the mount, propagation, the rest goes to the file
 * system, which refuses what it does not know. */
#include "engine/launch_plan.h"
#include "base/scope.h"

#include <string.h>
#include <sys/mount.h>

struct attr_word {
	const char *name;
	uint64_t set, clear;
};

/* Each also with an "r" in front: for the mount and everything below it. */
static const struct attr_word attr_words[] = {
	{"ro", MOUNT_ATTR_RDONLY, 0},
	{"rw", 0, MOUNT_ATTR_RDONLY},
	{"nosuid", MOUNT_ATTR_NOSUID, 0},
	{"suid", 0, MOUNT_ATTR_NOSUID},
	{"nodev", MOUNT_ATTR_NODEV, 0},
	{"dev", 0, MOUNT_ATTR_NODEV},
	{"noexec", MOUNT_ATTR_NOEXEC, 0},
	{"exec", 0, MOUNT_ATTR_NOEXEC},
	{"relatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
	{"norelatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
	{"noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME},
	{"atime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
	{"strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
	{"nostrictatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
	{"nodiratime", MOUNT_ATTR_NODIRATIME, 0},
	{"diratime", 0, MOUNT_ATTR_NODIRATIME},
	{"nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0},
	{"symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW},
};

static const struct attr_word *find_attr(const char *option)
{
	for (size_t i = 0; i < ARRAY_LEN(attr_words); i++)
		if (!strcmp(attr_words[i].name, option))
			return &attr_words[i];
	return NULL;
}

static bool take_propagation(struct mount_plan *m, const char *option)
{
	static const struct {
		const char *name;
		uint64_t flag;
	} table[] = {
		{"private", MS_PRIVATE},
		{"slave", MS_SLAVE},
		{"shared", MS_SHARED},
		{"unbindable", MS_UNBINDABLE},
	};
	bool recursive = *option == 'r';
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (strcmp(table[i].name, option + recursive))
			continue;
		m->propagation = table[i].flag;
		m->propagation_rec = recursive;
		return true;
	}
	return false;
}

/* The later word wins over the earlier one, as with mount(8). */
static void apply_word(uint64_t *set, uint64_t *clear, const struct attr_word *w)
{
	*set = (*set & ~w->clear) | w->set;
	*clear = (*clear & ~w->set) | w->clear;
}

int mount_plan_option(struct mount_plan *m, const char *option, struct err *e)
{
	(void)e;
	const struct attr_word *w = find_attr(option);
	if (w) {
		apply_word(&m->set, &m->clear, w);
		return 0;
	}
	if (!strcmp(option, "bind") || !strcmp(option, "rbind")) {
		if (m->kind != MOUNT_JOINED)
			m->kind = MOUNT_BIND;
		m->recursive = *option == 'r';
		return 0;
	}
	if (take_propagation(m, option))
		return 0;
	if (*option == 'r' && (w = find_attr(option + 1)) != NULL) {
		apply_word(&m->rec_set, &m->rec_clear, w);
		return 0;
	}
	if (strcmp(option, "defaults") != 0 && *option)
		strv_add(&m->data, option);
	return 0;
}
