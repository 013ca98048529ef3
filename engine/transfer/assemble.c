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
#include <string.h>
#include <unistd.h>

enum { SHOWN = 12 + 7 }; /* "sha256:" and what identifies a layer for people */

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

int layer_assemble(struct store *s, const struct assemble_job *job, int fd, struct assembled *out,
	struct err *e)
{
	auto_free char *path = store_path(s, "layers/%s", job->layer_id);
	auto_fd folder = open_folder(path, e);
	if (folder < 0)
		return folder;
	auto_json msg = json_object();
	json_set_str(msg, "op", "assemble");
	json_set_str(msg, "compression", job->compression);
	json_set_str(msg, "diff_id", job->diff_id);
	auto_json reply = ask(s, msg, fd, folder, e);
	if (!reply) {
		bool is_damaged = e->code == EBADMSG || e->code == ENOENT;
		(void)err_ctx(e, "layer %.*s", SHOWN, job->diff_id);
		return is_damaged ? err_hint(e, "pull or load the image again after removing it")
				  : -e->code;
	}
	return read_reply(reply, out, e);
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
