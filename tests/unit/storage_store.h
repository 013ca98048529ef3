/* A store in a new temporary folder, for the unit tests of storage. */
#ifndef TESTS_STORAGE_STORE_H
#define TESTS_STORAGE_STORE_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/path.h"
#include "base/str.h"
#include "storage/store.h"
#include "tests/unit/unit.h"

struct test_store {
	char dir[64];
	char *root, *runroot;
	struct store s;
	struct err e;
};

#define assert_ok(t, call)                                                                         \
	do {                                                                                       \
		if ((call) < 0)                                                                    \
			fail_msg("%s: %s", #call, (t)->e.msg);                                     \
	} while (0)

static inline void test_store_reopen(struct test_store *t)
{
	struct store_options o = {.root = t->root, .runroot = t->runroot};
	assert_ok(t, store_open(&t->s, &o, &t->e));
}

static inline int test_store_new(void **state)
{
	struct test_store *t = xcalloc(1, sizeof(*t));
	const char *tmp = getenv("TMPDIR");
	snprintf(t->dir, sizeof(t->dir), "%s/moss-unit.XXXXXX",
		tmp && strlen(tmp) < 40 ? tmp : "/tmp");
	assert_non_null(mkdtemp(t->dir));
	t->root = path_join(t->dir, "root");
	t->runroot = path_join(t->dir, "run");
	*state = t;
	test_store_reopen(t);
	return 0;
}

static inline int test_store_drop(void **state)
{
	struct test_store *t = *state;
	store_close(&t->s);
	struct err e = {0};
	int r = path_remove_at(AT_FDCWD, t->dir, &e);
	free(t->root);
	free(t->runroot);
	free(t);
	return r;
}

#endif
