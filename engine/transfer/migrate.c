#include "engine/transfer/migrate.h"
#include "base/err.h"
#include "base/scope.h"
#include "base/shown.h"
#include "base/spawn.h"
#include "base/str.h"
#include "engine/transfer/migrate_internal.h"
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

/* Who writes the images out. */
enum tool { TOOL_PODMAN, TOOL_SKOPEO };

static void list_deinit(struct found_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].id);
		strv_free(&l->v[i].names);
	}
	free(l->v);
}
#define auto_list __attribute__((cleanup(list_deinit))) struct found_list

/* "sha256:... name:tag", or "<none>" in a name's place. */
static int read_line(struct found_list *l, char *line, struct err *e)
{
	auto_reference ref = {0};
	struct err ignored;
	char *name = strchr(line, ' ');
	if (name)
		*name++ = '\0';
	if (!name || !digest_valid(line))
		return err_set(e, EBADMSG, "podman images: its output is not understood");
	struct found *f = found_list_add(l, line);
	if (reference_parse(name, false, &ref, &ignored) == 0)
		strv_add(&f->names, name);
	return 0;
}

static int no_tool(struct err *e)
{
	err_set(e, ENOENT,
		"neither podman nor skopeo is installed: Podman's images cannot be copied");
	return err_hint(e, "install one of them");
}

/* Without podman, skopeo copies what the files of the store list. */
static int list_storage(struct found_list *l, struct err *e)
{
	char *const argv[] = {(char *)"skopeo", (char *)"--version", NULL};
	auto_buf out = BUF_INIT, why = BUF_INIT;
	int r = spawn_capture(argv, LIST_MAX, &out, &why, e);
	if (r == -ENOENT)
		return no_tool(e);
	return r < 0 ? r : migrate_storage_list(l, e);
}

static int list_images(struct found_list *l, enum tool *tool, struct err *e)
{
	char *const argv[] = {(char *)"podman", (char *)"images", (char *)"--no-trunc",
		(char *)"--format", (char *)"{{.ID}} {{.Repository}}:{{.Tag}}", NULL};
	auto_buf out = BUF_INIT, why = BUF_INIT;
	int r = spawn_capture(argv, LIST_MAX, &out, &why, e);
	*tool = r == -ENOENT ? TOOL_SKOPEO : TOOL_PODMAN;
	if (r == -ENOENT)
		return list_storage(l, e);
	if (r < 0)
		return r;
	if (r > 0) {
		buf_reserve(&why, 1);
		why.data[why.len] = '\0';
		why.data[strcspn(why.data, "\n")] = '\0';
		shown_text(why.data, "");
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

static void podman_words(const struct found *f, struct strv *argv)
{
	const char *const fixed[] = {
		"podman", "save", "--quiet", "--format", "docker-archive", "--", f->id};
	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		strv_add(argv, fixed[i]);
	for (size_t i = 0; i < f->names.n; i++)
		strv_add(argv, f->names.v[i]);
}

/* What is in the user's store has been accepted once; loading asks our policy. */
static void skopeo_words(const struct found *f, struct strv *argv)
{
	const char *const fixed[] = {"skopeo", "--insecure-policy", "copy", "--quiet"};
	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		strv_add(argv, fixed[i]);
	for (size_t i = 1; i < f->names.n; i++)
		strv_addf(argv, "--additional-tag=%s", f->names.v[i]);
	strv_addf(argv, "containers-storage:@%s", f->id + strlen("sha256:"));
	strv_addf(argv, "docker-archive:/dev/stdout%s%s", f->names.n ? ":" : "",
		f->names.n ? f->names.v[0] : "");
}

static int start_save(const struct found *f, enum tool tool, int out, pid_t *pid, struct err *e)
{
	auto_strv argv = STRV_INIT;
	(tool == TOOL_PODMAN ? podman_words : skopeo_words)(f, &argv);
	struct spawn sp = SPAWN_INIT;
	sp.file = argv.v[0];
	sp.argv = argv.v;
	sp.fd_out = out;
	sp.death_signal = SIGKILL;
	return spawn_start(&sp, pid, NULL, e);
}

/* The writer may hold its own pipe open for reading and so never see that its reader is gone: after
 * a failure of ours it is ended, after one of the archive it may say why. */
static void let_end(int in, pid_t pid, const struct err *failure)
{
	char buffer[65536];
	if (failure->code != EBADMSG)
		(void)kill(pid, SIGKILL);
	while (read(in, buffer, sizeof(buffer)) > 0)
		;
}

static int copy_image(
	struct store *s, const struct found *f, enum tool tool, struct strv *lines, struct err *e)
{
	int ends[2];
	pid_t pid = -1;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "cannot make a pipe");
	auto_fd in = ends[0];
	int r = start_save(f, tool, ends[1], &pid, e);
	close(ends[1]);
	if (r < 0)
		return r;
	const struct load_source source = {.fd = in};
	r = image_load(s, &source, NULL, lines, e);
	if (r < 0)
		let_end(in, pid, e);
	close(take_fd(in));
	/* A writer that failed is the cause of an archive that ends early. */
	int code = spawn_wait(pid);
	if (code > 0 && (r == 0 || e->code == EBADMSG))
		return err_set(e, EIO, "%s %s failed with status %d",
			tool == TOOL_PODMAN ? "podman save" : "skopeo copy", f->id, code);
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
		if (image_tag(s, f->id, full, NULL, e) < 0)
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
	enum tool tool;
	int failures = 0;
	int r = list_images(&l, &tool, e);
	for (size_t i = 0; r >= 0 && i < l.n; i++) {
		r = name_existing(s, &l.v[i], e);
		if (r == 0)
			r = copy_image(s, &l.v[i], tool, lines, e);
		if (r < 0 && is_its_own(e)) {
			failed(arg, e);
			failures++;
			r = 0;
		}
	}
	return r < 0 ? r : failures;
}
