#include "engine/transfer/unpacker.h"
#include "base/err.h"
#include "base/json.h"
#include "base/msg.h"
#include "base/proc.h"
#include "base/scope.h"
#include "base/spawn.h"
#include "base/str.h"
#include "engine/enter.h"
#include "engine/transfer/proto.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Nothing of the user's environment, which may hold secrets, but what the loader and the debug
 * log need. */
static void environment(struct strv *out)
{
	static const char *const names[] = {
		"ASAN_OPTIONS", "LD_LIBRARY_PATH", "MOSS_DEBUG", "UBSAN_OPTIONS"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = getenv(names[i]);
		if (value)
			strv_addf(out, "%s=%s", names[i], value);
	}
	strv_add(out, "LC_ALL=C");
}

int unpacker_start(struct store *s, struct unpacker *u, struct err *e)
{
	return unpacker_start_beside(s, NULL, u, e);
}

int unpacker_start_beside(
	struct store *s, const struct proc_id *peer, struct unpacker *u, struct err *e)
{
	int pair[2];
	*u = UNPACKER_INIT;
	int r = msg_pair(pair);
	if (r < 0)
		return err_sysn(e, -r, "cannot start the unpacker");
	auto_fd ours = pair[0], theirs = pair[1];
	auto_free char *program = spawn_helper_path("moss-unpack");
	char *argv[] = {"moss-unpack", NULL};
	auto_strv env = STRV_INIT;
	environment(&env);
	struct spawn sp = SPAWN_INIT;
	sp.file = program;
	sp.argv = argv;
	sp.envp = env.v;
	sp.fds = &theirs;
	sp.n_fds = 1;
	sp.fd_err = proto_helper_stderr();
	sp.death_signal = SIGKILL;
	struct entered in;
	r = enter_spawn_beside(s, peer, &sp, &in, e);
	if (r < 0)
		return err_ctx(e, "cannot start the unpacker");
	/* It never becomes a candidate for joining: nobody needs to wait for it. */
	if (in.creation_lock >= 0)
		close(in.creation_lock);
	u->pid = in.pid;
	u->pidfd = in.pidfd;
	u->sock = take_fd(ours);
	return 0;
}

int unpacker_send(
	struct unpacker *u, const json_t *job, const int *fds, size_t n_fds, struct err *e)
{
	int r = proto_send(u->sock, job, fds, n_fds, e);
	return r < 0 ? err_ctx(e, "unpacker") : 0;
}

json_t *unpacker_next(struct unpacker *u, const char **kind, struct err *e)
{
	if (kind)
		*kind = "other";
	json_t *reply = proto_recv(u->sock, NULL, NULL, e);
	if (!reply) {
		if (e->code == 0)
			err_set(e, EPIPE, "the unpacker died unexpectedly");
		return NULL;
	}
	if (proto_error(reply, kind, e) < 0) {
		json_decref(reply);
		return NULL;
	}
	return reply;
}

json_t *unpacker_result(
	struct unpacker *u, unpacker_progress fn, void *arg, const char **kind, struct err *e)
{
	for (;;) {
		json_t *reply = unpacker_next(u, kind, e);
		const json_t *progress = reply ? json_object_get(reply, "progress") : NULL;
		if (!progress)
			return reply;
		if (fn)
			fn(arg, json_int_or(progress, "bytes", 0));
		json_decref(reply);
	}
}

void unpacker_stop(struct unpacker *u)
{
	int saved = errno;
	if (u->sock >= 0)
		close(u->sock);
	if (u->pidfd >= 0) {
		/* Closing the socket ends an idle one; a busy one is not waited for. */
		if (proc_wait_gone(u->pidfd, 0) != 1)
			(void)proc_kill_wait(u->pidfd, 10000);
		close(u->pidfd);
	}
	if (u->pid > 0)
		(void)spawn_wait(u->pid);
	*u = UNPACKER_INIT;
	errno = saved;
}

json_t *unpack_job_manifest(const char *media_type, const char *digest, int64_t size,
	const char *os, const char *architecture, const char *variant)
{
	json_t *job = json_object(), *platform = json_object();
	json_set_str(job, "op", "manifest");
	if (media_type)
		json_set_str(job, "media_type", media_type);
	if (digest)
		json_set_str(job, "digest", digest);
	json_set_int(job, "size", size);
	json_set_str(platform, "os", os);
	json_set_str(platform, "architecture", architecture);
	if (!str_empty(variant))
		json_set_str(platform, "variant", variant);
	json_set(job, "platform", platform);
	return job;
}

json_t *unpack_job_config(const char *digest, int64_t size, size_t n_layers)
{
	json_t *job = json_object();
	json_set_str(job, "op", "config");
	json_set_str(job, "digest", digest);
	json_set_int(job, "size", size);
	json_set_int(job, "layers", (int64_t)n_layers);
	return job;
}

json_t *unpack_job_layer(
	const char *digest, int64_t size, const char *media_type, const char *diff_id)
{
	json_t *job = json_object();
	json_set_str(job, "op", "layer");
	if (digest)
		json_set_str(job, "digest", digest);
	json_set_int(job, "size", size);
	if (media_type)
		json_set_str(job, "media_type", media_type);
	if (diff_id)
		json_set_str(job, "diff_id", diff_id);
	return job;
}

/* "lock" is the mark of whoever made the staging folder, and stays behind. */
static bool may_be_staged(const char *name)
{
	static const char *const names[] = {
		".", "..", "diff", "tar-split", "replaced", "packed", "share", "links",
		"lock"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

int staged_layer_check(int staging_fd, struct err *e)
{
	struct stat st;
	if (fstatat(staging_fd, "diff", &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode))
		return err_set(e, EBADMSG, "the unpacker left no folder of files");
	if (fstatat(staging_fd, "tar-split", &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return err_set(e, EBADMSG, "the unpacker left no description of the archive");
	if (fstatat(staging_fd, "replaced", &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st.st_mode))
		return err_set(e, EBADMSG, "the unpacker left something unexpected");
	int fd = openat(staging_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return err_sys(e, "cannot read the staging folder");
	const struct dirent *d;
	while ((d = readdir(dir)))
		if (!may_be_staged(d->d_name))
			return err_set(e, EBADMSG, "the unpacker left something unexpected");
	return 0;
}
