#include "engine/transfer/assemble.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/transfer/unpacker.h"
#include "registry/reference.h"
#include "storage/store.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum {
	SIDE_BY_SIDE_MAX = 8,
	SHOWN = 12 + 7
}; /* "sha256:" and what identifies a layer for people */

static int open_folder(const char *path, struct err *e)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "cannot open %s", path) : fd;
}

/* Asks one unpacker one thing. New reference. */
static json_t *ask(struct store *s, const json_t *job, int fd, int folder, struct err *e)
{
	struct unpacker u;
	const int fds[2] = {fd, folder};
	json_t *reply = NULL;
	if (unpacker_start(s, &u, e) < 0)
		return NULL;
	if (unpacker_send(&u, job, fds, 2, e) == 0)
		reply = unpacker_result(&u, NULL, NULL, NULL, e);
	unpacker_stop(&u);
	return reply;
}

static int read_reply(const json_t *reply, struct assembled *out, struct err *e)
{
	const char *digest = json_str_or(reply, "digest", "");
	out->size = json_int_or(reply, "size", -1);
	if (!digest_valid(digest) || out->size < 0)
		return err_set(e, EBADMSG, "the unpacker gave a malformed answer");
	memcpy(out->digest, digest, sizeof(out->digest));
	return 0;
}

static int failed(const char *diff_id, struct err *e)
{
	bool is_damaged = e->code == EBADMSG || e->code == ENOENT;
	(void)err_ctx(e, "layer %.*s", SHOWN, diff_id);
	return is_damaged ? err_hint(e, "pull or load the image again after removing it")
			  : -e->code;
}

int layer_assemble_start(
	struct store *s, const struct assemble_job *job, int fd, struct unpacker *u, struct err *e)
{
	auto_free char *path = store_path(s, "layers/%s", job->layer_id);
	auto_fd folder = open_folder(path, e);
	if (folder < 0 || unpacker_start(s, u, e) < 0)
		return -e->code;
	auto_json msg = json_object();
	const int fds[2] = {fd, folder};
	json_set_str(msg, "op", "assemble");
	json_set_str(msg, "compression", job->compression);
	if (job->has_level)
		json_set_int(msg, "level", job->level);
	json_set_str(msg, "diff_id", job->diff_id);
	return unpacker_send(u, msg, fds, 2, e);
}

int layer_assemble_next(
	struct unpacker *u, const char *diff_id, struct assembled *out, struct err *e)
{
	auto_json reply = unpacker_next(u, NULL, e);
	if (reply && json_object_get(reply, "progress"))
		return 1;
	unpacker_stop(u);
	return reply ? read_reply(reply, out, e) : failed(diff_id, e);
}

int layer_assemble(struct store *s, const struct assemble_job *job, int fd, struct assembled *out,
	struct err *e)
{
	struct unpacker u = UNPACKER_INIT;
	int r = layer_assemble_start(s, job, fd, &u, e);
	if (r == 0)
		do
			r = layer_assemble_next(&u, job->diff_id, out, e);
		while (r > 0);
	unpacker_stop(&u);
	return r;
}

/* ---- many ---- */

struct running {
	struct unpacker u;
	const struct assemble_job *job; /* NULL = idle */
	struct assembled *got;
};

static int begin_next(
	struct store *s, struct running *r, const struct assemble_many *m, size_t i, struct err *e)
{
	auto_fd fd = m->open(m->arg, i, e);
	if (fd < 0)
		return fd;
	r->job = &m->jobs[i];
	r->got = &m->got[i];
	return layer_assemble_start(s, r->job, fd, &r->u, e);
}

/* One that has something to say; NULL where none runs. */
static struct running *wait_for_one(struct running *all, size_t n)
{
	struct pollfd fds[SIDE_BY_SIDE_MAX];
	size_t busy = 0;
	for (size_t i = 0; i < n; i++) {
		fds[i] = (struct pollfd){.fd = all[i].job ? all[i].u.sock : -1, .events = POLLIN};
		busy += all[i].job != NULL;
	}
	if (!busy)
		return NULL;
	while (poll(fds, n, -1) < 0 && errno == EINTR)
		;
	for (size_t i = 0; i < n; i++)
		if (all[i].job && fds[i].revents)
			return &all[i];
	BUG("nothing to wait for");
}

static int run(struct store *s, const struct assemble_many *m, struct running *all, size_t width,
	struct err *e)
{
	size_t next = 0;
	struct running *r;
	for (size_t i = 0; i < width && next < m->n; i++)
		if (begin_next(s, &all[i], m, next++, e) < 0)
			return -e->code;
	while ((r = wait_for_one(all, width))) {
		int more = layer_assemble_next(&r->u, r->job->diff_id, r->got, e);
		if (more < 0)
			return more;
		if (more > 0)
			continue;
		r->job = NULL;
		if (next < m->n && begin_next(s, r, m, next++, e) < 0)
			return -e->code;
	}
	return 0;
}

int layers_assemble(struct store *s, const struct assemble_many *m, struct err *e)
{
	struct running all[SIDE_BY_SIDE_MAX];
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t width = cpus < 1 ? 1 : cpus > SIDE_BY_SIDE_MAX ? SIDE_BY_SIDE_MAX : (size_t)cpus;
	for (size_t i = 0; i < width; i++)
		all[i] = (struct running){.u = UNPACKER_INIT};
	int r = run(s, m, all, width, e);
	for (size_t i = 0; i < width; i++)
		unpacker_stop(&all[i].u);
	return r;
}

int layers_measure(struct store *s, char *const *layer_ids, size_t n, int64_t *sizes, struct err *e)
{
	if (!n)
		return 0;
	auto_free char *path = store_path(s, "layers");
	auto_fd folder = open_folder(path, e);
	if (folder < 0)
		return folder;
	auto_json msg = json_object();
	json_t *list = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_string(layer_ids[i]));
	json_set_str(msg, "op", "measure");
	json_set(msg, "layers", list);
	/* Not the folder twice: a second descriptor would lead out of the confinement. */
	auto_fd nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (nothing < 0)
		return err_sys(e, "cannot open /dev/null");
	auto_json reply = ask(s, msg, nothing, folder, e);
	const json_t *found = json_object_get(reply, "sizes");
	if (!reply)
		return -e->code;
	for (size_t i = 0; i < n; i++) {
		sizes[i] = (int64_t)json_integer_value(json_array_get(found, i));
		if (!json_is_integer(json_array_get(found, i)) || sizes[i] < 0)
			return err_set(e, EBADMSG, "the unpacker gave a malformed answer");
	}
	return 0;
}
