/* image_load (engine/transfer/pull.h): an unpacker reads the archive, moss commits its images. */
#include "engine/transfer/pull.h"
#include "engine/enter.h"
#include "engine/event.h"
#include "engine/share.h"
#include "engine/transfer/admit.h"
#include "engine/transfer/platform.h"
#include "engine/transfer/proto.h"
#include "engine/transfer/pull_transport.h"
#include "engine/transfer/unpacker.h"
#include "registry/reference.h"
#include "storage/db/container_row.h"
#include "storage/image.h"
#include "storage/store.h"
#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/shown.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LAYERS_MAX = 500, PROGRESS_MAX = 20000 /* messages, and so lines, of one unpacker */ };

struct load {
	struct store *store;
	const struct load_source *from;
	char *stage; /* absolute */
	int stage_fd, lock_fd;
	json_t *images; /* what the unpacker said of each */
	struct strv warnings;
	bool *placed; /* layer-N is in the store by now */
	size_t n_placed;
	struct strv *lines;
	const char *platform_text; /* NULL = any */
	struct platform platform;
	size_t committed;
	struct progress *progress; /* NULL = none */
	int n_progress;
};

/* Paths that are used come from numbers, never from what the unpacker said. */
static char *staged_name(const char *prefix, int64_t n)
{
	return xasprintf("%s-%lld", prefix, (long long)n);
}

/* ---- talking to the unpacker ---- */

static int answer_ask(struct load *l, struct unpacker *u, const json_t *ids, struct err *e)
{
	auto_json answer = json_object();
	json_t *have = json_array(), *v;
	size_t i;
	json_set(answer, "have", have);
	json_array_foreach ((json_t *)ids, i, v) {
		const char *id = json_string_value(v);
		auto_free char *layer = NULL;
		if (!id || !digest_valid(id) || i == LAYERS_MAX)
			return err_set(e, EBADMSG, "the unpacker asked for a malformed diff ID");
		int r = layer_find(l->store, id, &layer, e);
		if (r < 0)
			return r;
		if (r == ROW_OK)
			json_array_append(have, v);
	}
	return unpacker_send(u, answer, NULL, 0, e);
}

static int64_t number_in(const json_t *j, const char *key, int64_t max)
{
	int64_t n = json_int_or(j, key, -1);
	return n >= 0 && n <= max ? n : -1;
}

static const char *digest_in(const json_t *j, const char *key)
{
	const char *d = json_str(j, key);
	return d && digest_valid(d) ? d : NULL;
}

/* As Docker; older archives do not name their layers by what they are. */
static void show_layer(struct load *l, const json_t *j)
{
	enum { SHORT_ID = 12 };
	const char *id = digest_in(j, "diff_id");
	int64_t n = number_in(j, "layer", 1000000), bytes = number_in(j, "bytes", INT64_MAX);
	int64_t size = number_in(j, "size", INT64_MAX);
	auto_free char *shown = id ? xasprintf("%.*s", SHORT_ID, id + strlen("sha256:"))
				   : xasprintf("layer %lld", (long long)n + 1);
	if (!l->progress || ++l->n_progress > PROGRESS_MAX)
		return;
	if (bytes > 0 && size > 0)
		progress_moved(l->progress, shown, bytes);
	progress_bar(l->progress, shown, "Loading layer", bytes, size);
	if (bytes == 0 && size > 0)
		progress_expect(l->progress, shown, 0, size);
}

/* Between two messages the rate goes on falling. */
static void wait_for_word(struct load *l, const struct unpacker *u)
{
	struct pollfd p = {.fd = u->sock, .events = POLLIN};
	while (l->progress && poll(&p, 1, progress_timeout_ms(l->progress)) == 0)
		progress_tick(l->progress);
}

static int converse(struct load *l, struct unpacker *u, struct err *e)
{
	for (;;) {
		wait_for_word(l, u);
		auto_json reply = unpacker_next(u, NULL, e);
		const json_t *ask, *image, *progress;
		if (!reply)
			return -e->code;
		if ((ask = json_object_get(reply, "ask"))) {
			if (answer_ask(l, u, ask, e) < 0)
				return -e->code;
		} else if ((image = json_object_get(reply, "image"))) {
			json_array_append(l->images, (json_t *)image);
		} else if ((progress = json_object_get(reply, "progress"))) {
			show_layer(l, progress);
		} else if (json_bool_or(reply, "ok", false)) {
			json_to_strv(json_object_get(reply, "warnings"), &l->warnings);
			return 0;
		}
	}
}

static json_t *archive_job(const struct load *l)
{
	const struct platform *p = &l->platform;
	json_t *job = json_object(), *platform = json_object();
	json_set_str(job, "op", "archive");
	json_set_str(platform, "os", p->os);
	json_set_str(platform, "architecture", p->architecture);
	if (p->variant)
		json_set_str(platform, "variant", p->variant);
	json_set(job, "platform", platform);
	if (l->from->transport)
		json_set(job, "select", transport_selection(l->from->transport));
	return job;
}

static int run_unpacker(struct load *l, int fd, struct err *e)
{
	struct unpacker u;
	auto_json job = archive_job(l);
	if (unpacker_start(l->store, &u, e) < 0)
		return -e->code;
	/* A folder is read in place, and seen from within the confinement where the other layers
	 * would be: what comes from it is not shared with them. */
	struct stat st;
	auto_fd nothing = open("/dev/null", O_RDONLY | O_CLOEXEC), layers = -1;
	bool is_folder = fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
	if (is_folder)
		json_set_bool(job, "folder", true);
	int r = is_folder ? 0 : share_offer(l->store, job, &layers, e);
	const int fds[3] = {is_folder ? nothing : fd, l->stage_fd, is_folder ? fd : layers};
	if (r == 0)
		r = unpacker_send(&u, job, fds, fds[2] < 0 ? 2 : 3, e);
	if (r == 0)
		r = converse(l, &u, e);
	unpacker_stop(&u);
	return r;
}

/* ---- committing ---- */

/* A file that the unpacker wrote. It is dead by now; a link in its place is not followed. */
static int read_staged(const struct load *l, const char *prefix, int64_t n, size_t max,
	struct buf *out, struct err *e)
{
	struct stat st;
	auto_free char *name = staged_name(prefix, n);
	auto_fd fd = openat(l->stage_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "cannot open %s/%s", l->stage, name);
	if (!S_ISREG(st.st_mode))
		return err_set(e, EBADMSG, "%s/%s is not a file", l->stage, name);
	int r = read_fd(fd, max, out);
	if (r < 0)
		return err_sysn(e, -r, "cannot read %s/%s", l->stage, name);
	buf_reserve(out, 1);
	out->data[out->len] = '\0';
	return 0;
}

/* Staged folder N as a layer to commit; NULL where an image before this one brought it in. */
static int take_staged(struct load *l, int64_t n, char **path, struct err *e)
{
	auto_free char *name = staged_name("layer", n);
	*path = NULL;
	if ((size_t)n >= l->n_placed) {
		l->placed = xrealloc(l->placed, (size_t)(n + 1) * sizeof(*l->placed));
		while (l->n_placed <= (size_t)n)
			l->placed[l->n_placed++] = false;
	}
	if (l->placed[n])
		return 0;
	auto_fd fd = openat(l->stage_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "cannot open %s/%s", l->stage, name);
	if (staged_layer_check(fd, e) < 0)
		return -e->code;
	*path = xasprintf("%s/%s", l->stage, name);
	l->placed[n] = true;
	return 0;
}

struct layers {
	struct layer_new *v;
	char **paths;
	size_t n;
};

static void layers_deinit(struct layers *ls)
{
	for (size_t i = 0; ls->paths && i < ls->n; i++)
		free(ls->paths[i]);
	free(ls->paths);
	free(ls->v);
}
#define auto_layers __attribute__((cleanup(layers_deinit))) struct layers

static int collect_layers(struct load *l, const json_t *image, struct layers *out, struct err *e)
{
	const json_t *list = json_object_get(image, "layers");
	out->n = json_array_size(list);
	if (out->n > LAYERS_MAX)
		return err_set(e, EBADMSG, "the unpacker reported too many layers");
	out->v = xcalloc(out->n + 1, sizeof(*out->v));
	out->paths = xcalloc(out->n + 1, sizeof(*out->paths));
	for (size_t i = 0; i < out->n; i++) {
		const json_t *j = json_array_get(list, i);
		struct layer_new *n = &out->v[i];
		int64_t dir = number_in(j, "dir", 1000000);
		n->diff_id = digest_in(j, "diff_id");
		if (!n->diff_id)
			return err_set(e, EBADMSG, "the unpacker reported a malformed diff ID");
		if (dir >= 0 && take_staged(l, dir, &out->paths[i], e) < 0)
			return -e->code;
		n->staged_path = out->paths[i];
		n->size = number_in(j, "size", INT64_MAX);
		n->blob_digest = digest_in(j, "digest");
		n->blob_size = json_int_or(j, "compressed_size", 0);
		n->media_type = json_str(j, "media_type");
	}
	return 0;
}

/* "busybox:1" -> "docker.io/library/busybox:1"; NULL for what is no name. */
static char *normal_name(struct load *l, const char *name, char **shown)
{
	auto_reference ref = {0};
	struct err why;
	if (reference_parse(name, true, &ref, &why) < 0) {
		strv_addf(
			&l->warnings, "name %.100s of the archive is not used: %s", name, why.msg);
		return NULL;
	}
	*shown = reference_familiar(&ref);
	return reference_full(&ref);
}

/* Docker's words for a name that leaves another image. */
static int note_moved_name(
	struct load *l, const char *name, const char *shown, const char *id, struct err *e)
{
	struct image other;
	int r = image_find(l->store, name, name, &other, e);
	if (r != ROW_OK)
		return r < 0 ? r : 0;
	if (strcmp(other.id, id) != 0)
		strv_addf(l->lines,
			"The image %s already exists, renaming the old one with ID %s to empty "
			"string",
			shown, other.id);
	image_deinit(&other);
	return 0;
}

struct image_files {
	struct buf config, normal, manifest;
};

static void image_files_deinit(struct image_files *f)
{
	buf_free(&f->config);
	buf_free(&f->normal);
	buf_free(&f->manifest);
}
#define auto_image_files __attribute__((cleanup(image_files_deinit))) struct image_files

static int read_files(struct load *l, const json_t *image, struct image_files *f, struct err *e)
{
	int64_t n = number_in(image, "config", 1000000), m = number_in(image, "manifest", 1000000);
	/* Normalising never makes a config much longer: only escapes grow. */
	if (n < 0 || read_staged(l, "config", n, CONFIG_MAX, &f->config, e) < 0 ||
		read_staged(l, "normal", n, 6 * CONFIG_MAX, &f->normal, e) < 0)
		return n < 0 ? err_set(e, EBADMSG, "the unpacker named no config") : -e->code;
	return m < 0 ? 0 : read_staged(l, "manifest", m, MANIFEST_MAX, &f->manifest, e);
}

static int name_image(
	struct load *l, const char *id, const char *raw_name, const char *manifest, struct err *e)
{
	auto_free char *shown = NULL, *name = normal_name(l, raw_name, &shown);
	if (!name)
		return 0;
	if (note_moved_name(l, name, shown, id, e) < 0 ||
		image_tag(l->store, id, name, manifest, e) < 0)
		return -e->code;
	strv_addf(l->lines, "Loaded image: %s", shown);
	if (l->from->names)
		strv_add(l->from->names, name);
	return 0;
}

static int commit_image(struct load *l, const json_t *image, struct err *e)
{
	auto_layers layers = {0};
	auto_image_files f = {0};
	auto_strv names = STRV_INIT;
	const char *id = digest_in(image, "id");
	if (!id)
		return err_set(e, EBADMSG, "the unpacker reported a malformed image ID");
	if (read_files(l, image, &f, e) < 0)
		return -e->code;
	if (l->platform_text && !platform_has(&l->platform, f.normal.data))
		return 0;
	l->committed++;
	if (collect_layers(l, image, &layers, e) < 0)
		return -e->code;
	const char *manifest = f.manifest.len ? digest_in(image, "manifest_digest") : NULL;
	l->store->complete = share_complete;
	if (image_commit(l->store, id, f.normal.data, f.config.data, f.config.len, f.manifest.data,
		    f.manifest.len, manifest, layers.v, layers.n, NULL, NULL, e) < 0)
		return -e->code;
	json_to_strv(json_object_get(image, "names"), &names);
	for (size_t i = 0; i < names.n; i++)
		if (name_image(l, id, names.v[i], manifest, e) < 0)
			return -e->code;
	if (names.n == 0)
		strv_addf(l->lines, "Loaded image ID: %s", id);
	if (l->from->ids)
		strv_add(l->from->ids, id);
	return event_image(l->store, l->from->transport ? "pull" : "load", id, id, NULL, e);
}

/* Only an oci-archive holds the manifest of an image. */
static int admit(struct load *l, const json_t *image, struct err *e)
{
	bool is_oci = number_in(image, "manifest", 1000000) >= 0;
	if (l->from->transport)
		return admit_transport(l->from->transport, l->from->signature_policy, e);
	return admit_archive(is_oci ? "oci-archive" : "docker-archive", l->from->path,
		l->from->signature_policy, e);
}

static int load_staged(struct load *l, struct err *e)
{
	json_t *image;
	size_t i;
	l->stage_fd = open(l->stage, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (l->stage_fd < 0)
		return err_sys(e, "cannot open %s", l->stage);
	int r = run_unpacker(l, l->from->fd, e);
	json_array_foreach (l->images, i, image) {
		if (r < 0)
			break;
		r = admit(l, image, e);
		if (r == 0)
			r = commit_image(l, image, e);
	}
	close(l->stage_fd);
	if (r == 0 && l->platform_text && !l->committed)
		return err_set(
			e, ENOENT, "the archive has no image for platform %s", l->platform_text);
	return r;
}

int image_load(struct store *s, const struct load_source *from, struct progress *progress,
	struct strv *lines, struct err *e)
{
	struct load l = {.store = s,
		.from = from,
		.lines = lines,
		.platform_text = from->platform,
		.progress = progress};
	struct err ignored;
	if (platform_parse(from->platform, &l.platform, e) < 0)
		return -e->code;
	l.images = json_array();
	int r = store_stage(s, &l.stage, &l.lock_fd, e);
	if (r == 0) {
		r = load_staged(&l, e);
		store_unstage(s, l.stage, &l.lock_fd);
		(void)store_purge(s, enter_remove, &ignored);
	}
	for (size_t i = 0; i < l.warnings.n; i++) {
		shown_text(l.warnings.v[i], "");
		log_warn("%s", l.warnings.v[i]);
	}
	json_decref(l.images);
	platform_deinit(&l.platform);
	strv_free(&l.warnings);
	free(l.placed);
	free(l.stage);
	return r;
}
