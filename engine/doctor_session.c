/* Checks of the user's session and home: where the store and the sockets are. */
#include "engine/doctor_internal.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

enum { ROOM_WANTED = 1 << 30, INODES_WANTED = 20000 };

void check_runtime_dir(const struct patient *p, struct diagnosis *d)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");
	auto_free char *usual = xasprintf("/run/user/%u", (unsigned)p->uid);
	bool has_usual = access(usual, W_OK) == 0;
	struct stat st;
	if (str_empty(dir)) {
		say(d, has_usual ? FINDING_WARNING : FINDING_NOTE,
			"not set: sockets are kept in /tmp/moss-%u", (unsigned)p->uid);
		if (has_usual)
			say_cure(d, "export XDG_RUNTIME_DIR=%s", usual);
		else if (p->has_systemd)
			say_cure(d, "sudo loginctl enable-linger %s",
				p->account.name ? p->account.name : "USER");
	} else if (stat(dir, &st) < 0) {
		say(d, FINDING_WARNING, "%s: %s", dir, strerror(errno));
		say_cure(d, has_usual ? "export XDG_RUNTIME_DIR=%s" : "unset XDG_RUNTIME_DIR",
			usual);
	} else if (st.st_uid != p->uid || (st.st_mode & 077)) {
		say(d, FINDING_FAILURE, "%s %s: it is another session's, as after su", dir,
			st.st_uid != p->uid ? "belongs to someone else" : "is open to others");
		say_cure(d, has_usual ? "export XDG_RUNTIME_DIR=%s" : "unset XDG_RUNTIME_DIR",
			usual);
	} else {
		say_ok(d, "%s", dir);
	}
}

void check_linger(const struct patient *p, struct diagnosis *d)
{
	const char *name = p->account.name ? p->account.name : "USER";
	auto_free char *mark = path_join("/var/lib/systemd/linger", name);
	if (!p->has_systemd) {
		say_ok(d, "not needed: no systemd ends the user's processes at the log-out");
	} else if (p->uid == 0 || access(mark, F_OK) == 0) {
		say_ok(d, "containers go on after the log-out");
	} else {
		say(d, FINDING_NOTE,
			"off: containers may end with the last log-out, and none is started "
			"at boot");
		say_cure(d, "sudo loginctl enable-linger %s", name);
	}
}

/* The data root, or the nearest folder above it that is there. Owned. */
static char *nearest(const char *root)
{
	char *at = xstrdup(root);
	while (access(at, F_OK) < 0 && strcmp(at, "/")) {
		char *up = path_dir(at);
		free(at);
		at = up;
	}
	return at;
}

static const char *network_file_system(unsigned long type)
{
	static const struct {
		unsigned long type;
		const char *name;
	} all[] = {{0x6969, "NFS"}, {0xff534d42, "CIFS"}, {0xfe534d42, "SMB"}, {0x01021997, "9p"},
		{0x00c36400, "Ceph"}, {0x0bd00bd0, "Lustre"}, {0x5346414f, "AFS"},
		{0x65735546, "FUSE"}, {0xf15f, "eCryptfs"}};
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if ((type & 0xffffffff) == all[i].type)
			return all[i].name;
	return NULL;
}

void check_home(const struct patient *p, struct diagnosis *d)
{
	struct statfs fs;
	auto_free char *at = nearest(p->root);
	if (statfs(at, &fs) < 0 || access(at, W_OK) < 0) {
		say(d, FINDING_FAILURE, "%s: %s", at, strerror(errno));
		say_cure(d, "alias moss='moss --root /var/tmp/moss-%u'", (unsigned)p->uid);
		return;
	}
	const char *network = network_file_system((unsigned long)fs.f_type);
	if (!network) {
		say_ok(d, "%s", p->root);
		return;
	}
	say(d, FINDING_WARNING,
		"%s is on %s, which keeps neither the owners of an image's files nor overlays",
		p->root, network);
	say_cure(d, "alias moss='moss --root /var/tmp/moss-%u'", (unsigned)p->uid);
}

void check_space(const struct patient *p, struct diagnosis *d)
{
	struct statfs fs;
	auto_free char *at = nearest(p->root);
	if (statfs(at, &fs) < 0) {
		say(d, FINDING_NOTE, "%s: %s", at, strerror(errno));
		return;
	}
	unsigned long long bytes = (unsigned long long)fs.f_bavail * (unsigned long long)fs.f_bsize;
	if (bytes < ROOM_WANTED || (fs.f_files && fs.f_ffree < INODES_WANTED)) {
		say(d, FINDING_WARNING, "%llu MB and %llu files are left below %s", bytes / 1000000,
			(unsigned long long)fs.f_ffree, at);
		say_cure(d, "moss undo --empty; moss container prune; moss image prune");
		return;
	}
	say_ok(d, "%llu GB", bytes / 1000000000);
}
