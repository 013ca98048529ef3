/* Checks of the user namespace: may it be made, with which ids, and what works in it. */
#include "engine/doctor_internal.h"
#include "base/io.h"
#include "base/err.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"
#include "base/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { SUBID_FILE_MAX = 1 << 20, IDS_WANTED = 65536, FIRST_SUBORDINATE = 100000 };

/* Stages of the trial; a stage is done when the next is reached. */
enum { STAGE_USER, STAGE_MOUNTS, STAGE_OVERLAY, STAGE_DONE };

struct trial {
	int stage, code; /* where it stopped, and the errno value */
};

static int write_map(const char *file, const char *text)
{
	auto_fd fd = open(file, O_WRONLY | O_CLOEXEC);
	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -1 : 0;
}

/* On a tmpfs that nobody else sees. */
static int mount_overlay(void)
{
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("tmpfs", "/tmp", "tmpfs", 0, "size=1m") < 0 || mkdir("/tmp/l", 0755) < 0 ||
		mkdir("/tmp/u", 0755) < 0 || mkdir("/tmp/w", 0755) < 0 || mkdir("/tmp/m", 0755) < 0)
		return -1;
	return mount("overlay", "/tmp/m", "overlay", 0,
		"lowerdir=/tmp/l,upperdir=/tmp/u,workdir=/tmp/w,userxattr,index=off");
}

static void trial_in_child(struct trial *t)
{
	auto_free char *uids = xasprintf("0 %u 1", (unsigned)geteuid());
	auto_free char *gids = xasprintf("0 %u 1", (unsigned)getegid());
	t->stage = STAGE_USER;
	if (geteuid() != 0 && unshare(CLONE_NEWUSER) < 0)
		return;
	if (geteuid() != 0) {
		(void)write_map("/proc/self/setgroups", "deny");
		(void)write_map("/proc/self/gid_map", gids);
		(void)write_map("/proc/self/uid_map", uids);
	}
	t->stage = STAGE_MOUNTS;
	if (unshare(CLONE_NEWNS) < 0)
		return;
	t->stage = STAGE_OVERLAY;
	if (mount_overlay() == 0)
		t->stage = STAGE_DONE;
}

static struct trial make_trial(void)
{
	struct trial t = {.stage = STAGE_USER, .code = EAGAIN};
	int p[2];
	if (pipe2(p, O_CLOEXEC) < 0)
		return t;
	pid_t pid = fork();
	if (pid == 0) {
		errno = 0;
		trial_in_child(&t);
		t.code = errno;
		_exit(write_all(p[1], &t, sizeof(t)) < 0);
	}
	close(p[1]);
	if (pid > 0) {
		struct trial got;
		if (read_full(p[0], &got, sizeof(got)) == sizeof(got))
			t = got;
		(void)waitpid(pid, NULL, 0);
	}
	close(p[0]);
	return t;
}

void check_user_namespaces(const struct patient *p, struct diagnosis *d)
{
	long v;
	(void)p;
	struct trial t = make_trial();
	if (t.stage > STAGE_USER) {
		say_ok(d, "an ordinary user may make them");
		return;
	}
	say(d, FINDING_FAILURE, "cannot be made: %s", strerror(t.code));
	if (doctor_number("/proc/sys/user/max_user_namespaces", &v) && v == 0)
		say_cure(d, "sudo sysctl -w user.max_user_namespaces=15000");
	else if (doctor_number("/proc/sys/kernel/unprivileged_userns_clone", &v) && v == 0)
		say_cure(d, "sudo sysctl -w kernel.unprivileged_userns_clone=1");
	else if (t.code == ENOSPC)
		say_cure(d, "sudo sysctl -w user.max_user_namespaces=15000");
	else if (access("/proc/sys/user/max_user_namespaces", F_OK) < 0)
		say(d, FINDING_FAILURE, "this kernel is built without them (CONFIG_USER_NS)");
	else
		say(d, FINDING_FAILURE,
			"refused (%s): a seccomp filter or security module around moss, as in a "
			"container that may not nest",
			strerror(t.code));
}

static char *own_folder(void)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	return n > 0 ? path_dir(path) : xstrdup("/usr/bin");
}

void check_apparmor(const struct patient *p, struct diagnosis *d)
{
	long v;
	(void)p;
	if (!doctor_number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", &v) ||
		v == 0) {
		say_ok(d, "does not restrict user namespaces");
		return;
	}
	struct trial t = make_trial();
	if (t.stage > STAGE_MOUNTS) {
		say_ok(d, "restricts user namespaces, but not those of moss");
		return;
	}
	auto_free char *folder = own_folder();
	auto_free char *prefix = path_dir(folder);
	say(d, FINDING_FAILURE,
		"takes all rights from the user namespaces of programs without a profile");
	say_cure(d,
		"printf 'abi <abi/4.0>,\\ninclude <tunables/global>\\nprofile moss "
		"%s/{bin,libexec/moss}/moss* flags=(unconfined) {\\n  userns,\\n}\\n' | sudo tee "
		"/etc/apparmor.d/moss >/dev/null && sudo apparmor_parser -r /etc/apparmor.d/moss",
		prefix);
}

/* The first id behind every range of both files: free for a new one. */
static unsigned long free_range(void)
{
	static const char *const files[] = {"/etc/subuid", "/etc/subgid"};
	unsigned long next = FIRST_SUBORDINATE;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		auto_buf text = BUF_INIT;
		auto_strv lines = STRV_INIT;
		struct err ignored;
		if (read_file(files[i], SUBID_FILE_MAX, &text, &ignored) < 0 || !text.len)
			continue;
		strv_split(&lines, text.data, '\n');
		for (size_t k = 0; k < lines.n; k++) {
			unsigned long start, count;
			const char *colon = strchr(lines.v[k], ':');
			if (colon && sscanf(colon, ":%lu:%lu", &start, &count) == 2 &&
				start + count > next && start + count < UINT32_MAX - IDS_WANTED)
				next = start + count;
		}
	}
	return next;
}

static unsigned long count_ids(const struct id_range *r, size_t n)
{
	unsigned long sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += r[i].count;
	return sum;
}

void check_subordinate_ids(const struct patient *p, struct diagnosis *d)
{
	struct userns_map m;
	struct err e;
	if (userns_map_load(&m, &e) < 0) {
		say(d, FINDING_FAILURE, "%s", e.msg);
		return;
	}
	unsigned long uids = count_ids(m.uids, m.n_uids), gids = count_ids(m.gids, m.n_gids);
	if (m.is_identity) {
		say_ok(d, "not needed: run as root, with %lu ids", uids);
	} else if (m.is_single || uids < IDS_WANTED || gids < IDS_WANTED) {
		unsigned long first = free_range();
		say(d, FINDING_WARNING,
			m.is_single
				? "%s has none in /etc/subuid and /etc/subgid: every file of an "
				  "image "
				  "belongs to one user"
				: "%s has less than 65536: images with higher ids do not unpack",
			p->account.name ? p->account.name : "this user");
		say_cure(d, "sudo usermod --add-subuids %lu-%lu --add-subgids %lu-%lu %s", first,
			first + IDS_WANTED - 1, first, first + IDS_WANTED - 1,
			p->account.name ? p->account.name : "USER");
	} else {
		say_ok(d, "%lu user and %lu group ids", uids - 1, gids - 1);
	}
	userns_map_deinit(&m);
}

/* May the program set ids: set-user-id root or file capabilities, on a file system that heeds them.
 */
static bool is_privileged(const char *file)
{
	struct stat st;
	struct statvfs fs;
	if (stat(file, &st) < 0 || (statvfs(file, &fs) == 0 && (fs.f_flag & ST_NOSUID)))
		return false;
	return (st.st_uid == 0 && (st.st_mode & S_ISUID)) ||
	       getxattr(file, "security.capability", NULL, 0) > 0;
}

void check_id_helpers(const struct patient *p, struct diagnosis *d)
{
	static const char *const names[] = {"newuidmap", "newgidmap"};
	if (p->uid == 0) {
		say_ok(d, "not needed: run as root");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		auto_free char *file = doctor_program(names[i]);
		if (!file) {
			say(d, FINDING_FAILURE, "%s is not installed", names[i]);
			say_install(d, "uidmap", "shadow-utils");
			return;
		}
		if (!is_privileged(file)) {
			say(d, FINDING_FAILURE, "%s is not set-user-id root", file);
			say_cure(d, "sudo chmod u+s %s", file);
			return;
		}
	}
	say_ok(d, "newuidmap and newgidmap may set ids");
}

void check_overlay(const struct patient *p, struct diagnosis *d)
{
	(void)p;
	struct trial t = make_trial();
	if (t.stage == STAGE_DONE) {
		say_ok(d, "the kernel's works in a user namespace");
		return;
	}
	auto_free char *fuse = doctor_program("fuse-overlayfs");
	if (t.stage < STAGE_OVERLAY) {
		say(d, FINDING_NOTE, "not looked at: there is no user namespace to mount it in");
	} else if (fuse) {
		say(d, FINDING_NOTE,
			"the kernel's does not work here (%s): fuse-overlayfs is used, slower",
			strerror(t.code));
	} else {
		say(d, FINDING_WARNING,
			"the kernel's does not work here (%s) and there is no fuse-overlayfs: "
			"every "
			"container is a copy of its image",
			strerror(t.code));
		say_install(d, "fuse-overlayfs", "fuse-overlayfs");
	}
}
