#include "tests/unit/unit.h"

#include "base/err.h"
#include "engine/caps.h"
#include "engine/launch.h"
#include "engine/launch_plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static char dir[] = "/tmp/moss-launch.XXXXXX";

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	char path[64];
	(void)state;
	snprintf(path, sizeof(path), "%s/config.json", dir);
	unlink(path);
	return rmdir(dir);
}

static int load(const char *text, struct launch_plan **p, struct err *e)
{
	char path[64];
	snprintf(path, sizeof(path), "%s/config.json", dir);
	FILE *f = fopen(path, "w");
	fputs(text, f);
	fclose(f);
	return launch_load(dir, p, e);
}

#define HEAD "{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"},"
#define ARGS "\"process\":{\"args\":[\"true\"]}"
#define NS "\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"pid\"}]"

static void test_small(void **state)
{
	struct launch_plan *p;
	struct err e = {0};
	(void)state;
	assert_int_equal(load(HEAD ARGS "," NS "}}", &p, &e), 0);
	assert_false(launch_wants_terminal(p));
	assert_false(launch_has_new_netns(p));
	assert_string_equal(p->args[0], "true");
	assert_string_equal(p->cwd, "/");
	assert_null(launch_annotation(p, "moss.user"));
	launch_plan_free(p);
}

/* What cannot be honoured is refused, with its name. */
static void test_refused(void **state)
{
	static const char *const table[][2] = {
		{"", "config.json"},
		{"{}", "root.path is missing"},
		{HEAD ARGS "}", "a new mount namespace is required"},
		{HEAD NS "}}", "process.args is empty"},
		{HEAD ARGS "," NS "},\"solaris\":{\"x\":1}}", "solaris is not supported"},
		{HEAD ARGS "," NS "},\"hooks\":{\"prestart\":[{\"path\":\"/x\"}]}}",
			"hooks is not supported"},
		{HEAD ARGS "," NS ",\"intelRdt\":{\"closID\":\"x\"}}}", "linux.intelRdt is not"},
		{HEAD ARGS "," NS ",\"resources\":{\"memory\":{\"kernel\":1}}}}",
			"linux.resources.memory.kernel is not"},
		{HEAD ARGS "," NS ",\"resources\":{\"hugepageLimits\":[{\"limit\":1}]}}}",
			"linux.resources.hugepageLimits is not"},
		{HEAD ARGS "," NS ",\"resources\":{\"blockIO\":{\"throttleReadBpsDevice\":"
			   "[{\"major\":8}]}}}}",
			"linux.resources.blockIO.throttleReadBpsDevice is not valid"},
		{HEAD ARGS
			",\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"time\"}]}}",
			"namespace \"time\" is not supported"},
		{HEAD "\"process\":{\"args\":[\"true\"],\"apparmorProfile\":\"x\"}," NS "}}",
			"process.apparmorProfile is not"},
		{HEAD "\"process\":{\"args\":[\"true\"],\"cwd\":\"rel\"}," NS "}}",
			"the working directory 'rel' is invalid, it needs to be an absolute path"},
		{HEAD "\"process\":{\"args\":[1]}," NS "}}", "process.args"},
		{HEAD "\"process\":{\"args\":[\"a\"],\"capabilities\":{\"bounding\":[\"CAP_X\"]}}"
		      "," NS "}}",
			"unknown capability \"CAP_X\""},
		{HEAD "\"process\":{\"args\":[\"a\"],\"user\":{\"uid\":-1}}," NS "}}",
			"process.user"},
		{HEAD "\"process\":{\"args\":[\"a\"],\"user\":{\"uid\":4294967295}}," NS "}}",
			"process.user"},
		{HEAD "\"process\":{\"args\":[\"a\"],\"rlimits\":[{\"type\":\"RLIMIT_X\"}]}," NS
		      "}}",
			"unknown rlimit"},
		{HEAD ARGS "," NS "},\"mounts\":[{\"destination\":\"rel\"}]}", "is not absolute"},
		{HEAD ARGS "," NS "},\"mounts\":[{\"destination\":\"/a\",\"source\":\"/b\","
			   "\"options\":[\"bind\",\"frob\"]}]}",
			"unknown option \"frob\""},
		{HEAD ARGS "," NS ",\"sysctl\":{\"kernel/../x\":\"1\"}}}", "invalid sysctl"},
		{HEAD ARGS "," NS ",\"sysctl\":{\"kernel..x\":\"1\"}}}", "invalid sysctl"},
		{HEAD ARGS "," NS ",\"sysctl\":{\"kernel.x\":1}}}", "invalid sysctl"},
		{HEAD ARGS "," NS ",\"rootfsPropagation\":\"odd\"}}", "rootfsPropagation"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct launch_plan *p;
		struct err e = {0};
		int r = load(table[i][0], &p, &e);
		if (r >= 0 || !strstr(e.msg, table[i][1]))
			print_message("%zu: %s: %s\n", i, table[i][0], r < 0 ? e.msg : "accepted");
		assert_true(r < 0);
		assert_non_null(strstr(e.msg, table[i][1]));
	}
}

/* Unknown keys with nothing in them ask for nothing. */
static void test_empty_unknown(void **state)
{
	struct launch_plan *p;
	struct err e = {0};
	(void)state;
	assert_int_equal(load(HEAD ARGS "," NS ",\"intelRdt\":{},\"mountLabel\":\"\",\"x\":null},"
					"\"hooks\":{}}",
				 &p, &e),
		0);
	launch_plan_free(p);
}

static void options(struct mount_plan *m, const char *const *list)
{
	struct err e = {0};
	*m = (struct mount_plan){0};
	for (; *list; list++)
		assert_int_equal(mount_plan_option(m, *list, &e), 0);
}

static void test_options(void **state)
{
	struct mount_plan m;
	(void)state;
	options(&m, (const char *const[]){"rbind", "ro", "nosuid", "rprivate", NULL});
	assert_int_equal(m.kind, MOUNT_BIND);
	assert_true(m.recursive);
	assert_int_equal(m.set, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID);
	assert_int_equal(m.propagation, MS_PRIVATE);
	assert_true(m.propagation_rec);
	options(&m, (const char *const[]){"ro", "rw", "nodev", "dev", NULL});
	assert_int_equal(m.set, 0);
	options(&m, (const char *const[]){"rw", "ro", NULL});
	assert_int_equal(m.set, MOUNT_ATTR_RDONLY);
	assert_int_equal(m.clear, 0);
	options(&m, (const char *const[]){"rro", "slave", NULL});
	assert_int_equal(m.set, 0);
	assert_int_equal(m.rec_set, MOUNT_ATTR_RDONLY);
	assert_false(m.propagation_rec);
	options(&m, (const char *const[]){"noatime", "strictatime", NULL});
	assert_int_equal(m.set & MOUNT_ATTR__ATIME, MOUNT_ATTR_STRICTATIME);
	options(&m, (const char *const[]){"size=64m", "defaults", "mode=755", NULL});
	assert_int_equal(m.data.n, 2);
	assert_string_equal(m.data.v[0], "size=64m");
	strv_free(&m.data);
}

static void test_caps(void **state)
{
	(void)state;
	assert_int_equal(caps_number("CAP_CHOWN"), 0);
	assert_int_equal(caps_number("CAP_SYS_ADMIN"), 21);
	assert_int_equal(caps_number("CAP_CHECKPOINT_RESTORE"), 40);
	assert_int_equal(caps_number("cap_chown"), -1);
	assert_int_equal(caps_number(""), -1);
	for (int i = 0; i < CAPS_KNOWN; i++)
		assert_int_equal(caps_number(caps_name(i)), i);
	assert_null(caps_name(-1));
	assert_null(caps_name(CAPS_KNOWN));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_empty_unknown),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_caps),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
