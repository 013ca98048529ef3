#include "engine/transfer/migrate.h"
#include "base/err.h"
#include "base/scope.h"
#include "base/spawn.h"
#include "base/str.h"
#include "engine/transfer/proto.h"
#include "engine/transfer/pull.h"
#include "registry/reference.h"
#include "storage/db/container_row.h"
#include "storage/image.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LIST_MAX = 16 * 1024 * 1024 };

struct found {
	char *id; /* "sha256:..." */
	struct strv names; /* as Podman writes them */
};

struct list {
	struct found *v;
	size_t n;
};

static void list_deinit(struct list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].id);
		strv_free(&l->v[i].names);
	}
	free(l->v);
}
#define auto_list __attribute__((cleanup(list_deinit))) struct list

static struct found *find_or_add(struct list *l, const char *id)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->v[i].id, id))
			return &l->v[i];
	l->v = xrealloc(l->v, (l->n + 1) * sizeof(*l->v));
	l->v[l->n] = (struct found){.id = xstrdup(id)};
	return &l->v[l->n++];
}

/* "sha256:... name:tag", or "<none>" in a name's place. */
static int read_line(struct list *l, char *line, struct err *e)
{
	auto_reference ref = {0};
	struct err ignored;
	char *name = strchr(line, ' ');
	if (name)
		*name++ = '\0';
	if (!name || !digest_valid(line))
		return err_set(e, EBADMSG, "podman images: its output is not understood");
	struct found *f = find_or_add(l, line);
	if (reference_parse(name, false, &ref, &ignored) == 0)
		strv_add(&f->names, name);
	return 0;
}

static int no_podman(struct err *e)
{
	err_set(e, ENOENT, "podman is not installed: its images cannot be copied");
	return err_hint(e, "install podman, or copy single images: skopeo copy "
			   "containers-storage:NAME docker-archive:FILE:NAME; moss load -i FILE");
}

static int list_images(struct list *l, struct err *e)
{
	char *const argv[] = {(char *)"podman", (char *)"images", (char *)"--no-trunc",
		(char *)"--format", (char *)"{{.ID}} {{.Repository}}:{{.Tag}}", NULL};
	auto_buf out = BUF_INIT, why = BUF_INIT;
	int r = spawn_capture(argv, LIST_MAX, &out, &why, e);
	if (r == -ENOENT)
		return no_podman(e);
	if (r < 0)
		return r;
	if (r > 0) {
		buf_reserve(&why, 1);
		why.data[why.len] = '\0';
		why.data[strcspn(why.data, "\n")] = '\0';
		proto_make_printable(why.data);
		return err_set(e, EIO, "podman images failed: %s", why.data);
	}
	buf_reserve(&out, 1);
	out.data[out.len] = '\0';
	char *rest = out.data, *line;
	while ((line = strsep(&rest, "\n")))
		if (*line && read_line(l, line, e) < 0)
			return -e->code;
	return 0;
}

static int start_save(const struct found *f, int out, pid_t *pid, struct err *e)
{
	auto_strv argv = STRV_INIT;
	const char *const fixed[] = {
		"podman", "save", "--quiet", "--format", "docker-archive", "--", f->id};
	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		strv_add(&argv, fixed[i]);
	for (size_t i = 0; i < f->names.n; i++)
		strv_add(&argv, f->names.v[i]);
	struct spawn sp = SPAWN_INIT;
	sp.file = argv.v[0];
	sp.argv = argv.v;
	sp.fd_out = out;
	sp.death_signal = SIGKILL;
	return spawn_start(&sp, pid, NULL, e);
}

static int copy_image(struct store *s, const struct found *f, struct strv *lines, struct err *e)
{
	int ends[2];
	pid_t pid = -1;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "cannot make a pipe");
	auto_fd in = ends[0];
	int r = start_save(f, ends[1], &pid, e);
	close(ends[1]);
	if (r < 0)
		return r;
	const struct load_source source = {.fd = in};
	r = image_load(s, &source, true, lines, e);
	close(take_fd(in));
	/* A podman that failed is the cause of an archive that ends early. One whose reader stopped
	 * is not. */
	int code = spawn_wait(pid);
	if (code > 0 && (r == 0 || e->code == EBADMSG))
		return err_set(e, EIO, "podman save %s failed with status %d", f->id, code);
	return r < 0 ? err_ctx(e, "image %s", f->id) : 0;
}

/* 1 where it is here, and has its names now. */
static int name_existing(struct store *s, const struct found *f, struct err *e)
{
	struct image image;
	int r = image_find(s, f->id, NULL, &image, e);
	if (r != ROW_OK)
		return r < 0 ? r : 0;
	image_deinit(&image);
	for (size_t i = 0; i < f->names.n; i++) {
		auto_reference ref = {0};
		if (reference_parse(f->names.v[i], true, &ref, e) < 0)
			return -e->code;
		auto_free char *full = reference_full(&ref);
		if (image_tag(s, f->id, full, e) < 0)
			return -e->code;
	}
	return 1;
}

/* What is wrong with one image and says nothing of the others. */
static bool is_its_own(const struct err *e) { return e->code == EIO || e->code == EBADMSG; }

int images_migrate(
	struct store *s, struct strv *lines, migrate_failure failed, void *arg, struct err *e)
{
	auto_list l = {0};
	int failures = 0;
	int r = list_images(&l, e);
	for (size_t i = 0; r >= 0 && i < l.n; i++) {
		r = name_existing(s, &l.v[i], e);
		if (r == 0)
			r = copy_image(s, &l.v[i], lines, e);
		if (r < 0 && is_its_own(e)) {
			failed(arg, e);
			failures++;
			r = 0;
		}
	}
	return r < 0 ? r : failures;
}
