#include "tests/unit/unit.h"

#include "base/err.h"
#include "engine/user.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/moss-user.XXXXXX";
static int root = -1;

static void write_text(const char *name, const char *text)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/etc/%s", dir, name);
	unlink(path);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int set_up(void **state)
{
	char path[128];
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/etc", dir);
	if (mkdir(path, 0755) < 0)
		return -1;
	root = open(dir, O_PATH | O_DIRECTORY);
	return root < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	char command[128];
	(void)state;
	close(root);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static void fill(void)
{
	write_text("passwd", "root:x:0:0:root:/root:/bin/sh\n"
			     "broken\n:x:5:5::/:\nbad:x:z:1::/:/bin/sh\n"
			     "web:x:33:34:web:/var/www:/bin/false\n"
			     "nohome:x:44:44\n"
			     "web2:x:33:99:second:/other:\n"
			     "12:x:500:500::/twelve:\n");
	write_text("group", "root:x:0:root\nwww:x:34:\nextra:x:50:web,root,other\nno:y\n"
			    "more:x:51:other,web\nlast:x:52:webby\n77:x:600:\n");
}

struct expected {
	const char *text;
	int result; /* 0, or -1 with `why` */
	unsigned uid, gid;
	const char *home;
	size_t n;
	gid_t gids[4];
	const char *why;
};

static const struct expected table[] = {
	{NULL, 0, 0, 0, "/root", 2, {0, 50}, NULL},
	{"", 0, 0, 0, "/root", 2, {0, 50}, NULL},
	{"web", 0, 33, 34, "/var/www", 3, {34, 50, 51}, NULL},
	{"33", 0, 33, 34, "/var/www", 3, {34, 50, 51}, NULL},
	{"web:www", 0, 33, 34, "/var/www", 1, {34}, NULL},
	{"web:7", 0, 33, 7, "/var/www", 1, {7}, NULL},
	{"web:", 0, 33, 34, "/var/www", 3, {34, 50, 51}, NULL},
	{":50", 0, 0, 50, "/root", 1, {50}, NULL},
	{":0", 0, 0, 0, "/root", 1, {0}, NULL},
	{"1234", 0, 1234, 0, "/", 1, {0}, NULL},
	{"1234:5", 0, 1234, 5, "/", 1, {5}, NULL},
	/* all digits is always a number, also where an entry has that name */
	{"12", 0, 12, 0, "/", 1, {0}, NULL},
	{"web:77", 0, 33, 77, "/var/www", 1, {77}, NULL},
	{"nohome", 0, 44, 44, "/", 1, {44}, NULL},
	{"2147483647", 0, 2147483647, 0, "/", 1, {0}, NULL},
	{"nosuch", -1, 0, 0, NULL, 0, {0},
		"unable to find user nosuch: no matching entries in passwd file"},
	{"web:nosuch", -1, 0, 0, NULL, 0, {0},
		"unable to find group nosuch: no matching entries in group file"},
	{"0x0", -1, 0, 0, NULL, 0, {0}, "unable to find user 0x0"},
	{"+0", -1, 0, 0, NULL, 0, {0}, "unable to find user +0"},
	{" 0", -1, 0, 0, NULL, 0, {0}, "unable to find user  0"},
	{"0 ", -1, 0, 0, NULL, 0, {0}, "unable to find user 0 "},
	{"-1", -1, 0, 0, NULL, 0, {0}, "uids and gids must be in range 0-2147483647"},
	{"1000abc", -1, 0, 0, NULL, 0, {0}, "unable to find user 1000abc"},
	{"2147483648", -1, 0, 0, NULL, 0, {0}, "uids and gids must be in range 0-2147483647"},
	{"4294967295", -1, 0, 0, NULL, 0, {0}, "uids and gids must be in range 0-2147483647"},
	{"4294967296", -1, 0, 0, NULL, 0, {0}, "uids and gids must be in range 0-2147483647"},
	{"99999999999999999999999", -1, 0, 0, NULL, 0, {0}, "uids and gids must be in range"},
	{"web:4294967296", -1, 0, 0, NULL, 0, {0}, "uids and gids must be in range"},
	{"web:-1", -1, 0, 0, NULL, 0, {0}, "uids and gids must be in range"},
	{"bad", -1, 0, 0, NULL, 0, {0}, "unable to find user bad"},
};

static void test_table(void **state)
{
	(void)state;
	fill();
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		const struct expected *x = &table[i];
		struct user_ids u = {0};
		struct err e = {0};
		int r = user_resolve(root, x->text, NULL, &u, &e);
		if (x->result < 0) {
			assert_true(r < 0);
			assert_int_equal(e.status, 125);
			assert_non_null(strstr(e.msg, x->why));
		} else {
			assert_int_equal(r, 0);
			assert_int_equal(u.uid, x->uid);
			assert_int_equal(u.gid, x->gid);
			assert_string_equal(u.home, x->home);
			assert_int_equal(u.n_gids, x->n);
			assert_memory_equal(u.gids, x->gids, x->n * sizeof(gid_t));
		}
		user_ids_deinit(&u);
	}
}

static void test_group_add(void **state)
{
	struct user_ids u = {0};
	struct err e = {0};
	json_t *add = json_pack("[s,s,s]", "more", "77", "50");
	(void)state;
	fill();
	assert_int_equal(user_resolve(root, NULL, add, &u, &e), 0);
	assert_int_equal(u.n_gids, 4);
	assert_memory_equal(u.gids, ((gid_t[]){0, 51, 77, 50}), 4 * sizeof(gid_t));
	user_ids_deinit(&u);
	json_array_append_new(add, json_string("nosuch"));
	assert_true(user_resolve(root, NULL, add, &u, &e) < 0);
	assert_non_null(
		strstr(e.msg, "Unable to find group nosuch: no matching entries in group file"));
	user_ids_deinit(&u);
	json_decref(add);
}

/* CVE-2024-9676: whatever stands in their place is not opened, or not read to its end. */
static void test_not_files(void **state)
{
	char path[128];
	(void)state;
	fill();
	snprintf(path, sizeof(path), "%s/etc/passwd", dir);
	for (int kind = 0; kind < 4; kind++) {
		struct user_ids u = {0};
		struct err e = {0};
		unlink(path);
		if (kind == 0) {
			assert_int_equal(mkfifo(path, 0644), 0);
		} else if (kind == 1) {
			assert_int_equal(symlink("/../../../../../../dev/zero", path), 0);
		} else if (kind == 2) {
			write_text("passwd", "");
			assert_int_equal(truncate(path, 1 << 30), 0);
		} else {
			assert_int_equal(symlink("/proc/self/root/etc/passwd", path), 0);
		}
		int r = user_resolve(root, "web", NULL, &u, &e);
		assert_true(r < 0);
		user_ids_deinit(&u);
	}
	unlink(path);
	struct user_ids u = {0};
	struct err e = {0};
	assert_int_equal(user_resolve(root, "7:8", NULL, &u, &e), 0); /* no file: numbers only */
	assert_int_equal(u.uid, 7);
	user_ids_deinit(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_group_add),
		cmocka_unit_test(test_not_files),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
