#include "engine/commit_image.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/transfer/fetcher.h"
#include "engine/transfer/proto.h"
#include "engine/transfer/unpacker.h"
#include "registry/reference.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void image_made_deinit(struct image_made *m)
{
	free(m->config);
	free(m->bytes);
	m->config = m->bytes = NULL;
}

static void set_some(json_t *o, const char *key, const char *value)
{
	if (!str_empty(value))
		json_set_str(o, key, value);
}

static size_t layers_told(const json_t *history)
{
	size_t i, n = 0;
	json_t *v;
	json_array_foreach ((json_t *)history, i, v)
		n += !json_bool_or(v, "empty_layer", false);
	return n;
}

static json_t *history(const struct image_draft *d, const json_t *parent, const char *created)
{
	json_t *list = parent ? json_deep_copy(json_object_get(parent, "history")) : NULL;
	json_t *entry = json_object();
	if (!list)
		list = json_array();
	/* Layers that a commit before this one took from the same container. */
	for (size_t n = layers_told(list); d->parent && n < d->parent->n_layers; n++)
		json_array_append_new(
			list, json_pack("{s:s, s:s}", "created", created, "created_by",
				      d->created_by ? d->created_by : ""));
	json_set_str(entry, "created", created);
	set_some(entry, "created_by", d->created_by);
	set_some(entry, "author", d->author);
	set_some(entry, "comment", d->comment);
	if (!d->diff_id)
		json_set_bool(entry, "empty_layer", true);
	json_array_append_new(list, entry);
	return list;
}

static json_t *rootfs(const struct image_draft *d)
{
	json_t *ids = json_array();
	for (size_t i = 0; d->parent && i < d->parent->n_layers; i++)
		json_array_append_new(ids, json_string(d->parent->diff_ids[i]));
	if (d->diff_id)
		json_array_append_new(ids, json_string(d->diff_id));
	return json_pack("{s:s, s:o}", "type", "layers", "diff_ids", ids);
}

/* The members in Docker's order, which is the alphabet's. New reference. */
static json_t *document(const struct image_draft *d, const json_t *parent)
{
	auto_free char *now = clock_rfc3339(clock_now_ns());
	json_t *o = json_object();
	json_set_str(o, "architecture",
		json_str_or(parent, "architecture", d->architecture ? d->architecture : ""));
	set_some(o, "author", d->author);
	if (d->has_comment)
		set_some(o, "comment", d->comment);
	json_object_set(o, "config", d->config);
	set_some(o, "container", d->container);
	json_object_set(o, "container_config", d->container_config);
	json_set_str(o, "created", now);
	json_set_str(o, "docker_version", PACKAGE_VERSION);
	json_set(o, "history", history(d, parent, now));
	json_set_str(o, "os", json_str_or(parent, "os", d->os ? d->os : "linux"));
	set_some(o, "os.version", json_str(parent, "os.version"));
	json_set(o, "rootfs", rootfs(d));
	set_some(o, "variant", json_str_or(parent, "variant", d->variant));
	return o;
}

static int memory_file(const char *text, struct err *e)
{
	auto_fd fd = fetcher_memory_file(e);
	int r = fd < 0 ? 0 : write_all(fd, text, strlen(text));
	if (fd < 0)
		return fd;
	return r < 0 ? err_sysn(e, -r, "cannot write the image config") : take_fd(fd);
}

static int ask(struct unpacker *u, size_t n_layers, struct image_made *m, struct err *e)
{
	auto_fd in = memory_file(m->bytes, e);
	auto_fd out = in < 0 ? in : fetcher_memory_file(e);
	if (out < 0)
		return out;
	auto_json job = unpack_job_config(NULL, (int64_t)strlen(m->bytes), n_layers);
	const int fds[2] = {in, out};
	if (unpacker_send(u, job, fds, 2, e) < 0)
		return -e->code;
	auto_json reply = unpacker_result(u, NULL, NULL, NULL, e);
	if (!reply)
		return -e->code;
	const char *digest = json_str(reply, "digest");
	auto_buf text = BUF_INIT;
	(void)lseek(out, 0, SEEK_SET);
	int r = read_fd(out, CONFIG_MAX, &text);
	if (r < 0 || !text.len || !digest || !digest_valid(digest))
		return err_set(e, EBADMSG, "the unpacker gave no valid answer");
	snprintf(m->id, sizeof(m->id), "%s", digest);
	m->config = buf_take(&text);
	return 0;
}

/* For inspect, which shows what an image was made from. The exact bytes do not have it. */
static int add_parent(struct image_made *m, const char *parent, struct err *e)
{
	auto_json config = json_parse(m->config, strlen(m->config), "the image config", e);
	if (!config)
		return -e->code;
	json_set_str(config, "moss.parent", parent);
	free(m->config);
	m->config = json_text(config);
	return 0;
}

int image_draft_finish(
	const struct image_draft *d, struct unpacker *u, struct image_made *out, struct err *e)
{
	auto_json parent = NULL;
	*out = (struct image_made){.config = NULL};
	if (d->parent) {
		const char *text = d->parent->config;
		parent = json_parse(text, strlen(text), "the image's config", e);
		if (!parent)
			return -e->code;
	}
	auto_json doc = document(d, parent);
	out->bytes = json_text(doc);
	size_t n = (d->parent ? d->parent->n_layers : 0) + (d->diff_id != NULL);
	int r = ask(u, n, out, e);
	return r == 0 && d->parent && *d->parent->id ? add_parent(out, d->parent->id, e) : r;
}

int image_new_name(const char *typed, const char *of_digest, char **full, struct err *e)
{
	auto_reference ref = {0};
	*full = NULL;
	if (str_empty(typed))
		return 0;
	if (reference_parse(typed, true, &ref, e) < 0)
		return -e->code;
	if (ref.digest)
		return err_set(e, EINVAL, "%s", of_digest);
	auto_free char *shown = reference_familiar_name(&ref);
	if (!strcmp(shown, "sha256"))
		return err_set(e, EINVAL,
			"refusing to create an ambiguous tag using digest algorithm as name");
	*full = reference_full(&ref);
	return 0;
}
