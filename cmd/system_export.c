/* moss system export, import, migrate */
#include "cmd/cmd.h"
#include "base/err.h"
#include "base/scope.h"
#include "cmd/save_output.h"
#include "engine/transfer/migrate.h"
#include "engine/transfer/pull.h"
#include "engine/transfer/save.h"
#include "storage/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- export ---- */

static bool is_folder(const char *path)
{
	struct stat st;
	size_t n = strlen(path);
	return (n && path[n - 1] == '/') || (stat(path, &st) == 0 && S_ISDIR(st.st_mode));
}

static int export_images(
	struct store *s, const char *path, const struct image *images, size_t n, struct err *e)
{
	auto_free struct save_item *items = xcalloc(n, sizeof(*items));
	const struct save_options o = {
		.format = path && is_folder(path) ? TRANSPORT_OCI : TRANSPORT_OCI_ARCHIVE};
	for (size_t i = 0; i < n; i++) {
		items[i].image = &images[i];
		for (char **name = images[i].names; name && *name; name++)
			strv_add(&items[i].names, *name);
	}
	int r = save_output(s, path, items, n, &o, e);
	for (size_t i = 0; i < n; i++)
		strv_free(&items[i].names);
	return r;
}

static int export_run(struct cmd_call *call, void *args, struct err *e)
{
	(void)args;
	struct image *images = NULL;
	size_t n = 0;
	const char *path = call->argc && strcmp(call->argv[0], "-") != 0 ? call->argv[0] : NULL;
	if (call->argc && str_empty(call->argv[0]))
		return err_set(e, EINVAL, "the name of the file or folder is empty");
	if (!path && isatty(STDOUT_FILENO))
		return err_set(e, EINVAL,
			"cowardly refusing to export to a terminal. Name a file or redirect");
	int r = image_list(call->store, &images, &n, e);
	if (r >= 0)
		r = n ? export_images(call->store, path, images, n, e)
		      : err_set(e, ENOENT, "there are no images to export");
	for (size_t i = 0; i < n; i++)
		image_deinit(&images[i]);
	free(images);
	return r < 0 ? r : 0;
}

/* ---- import and migrate ---- */

static void print(const struct strv *lines)
{
	for (size_t i = 0; i < lines->n; i++)
		puts(lines->v[i]);
}

static int open_source(struct cmd_call *call, struct err *e)
{
	if (call->argc && strcmp(call->argv[0], "-") != 0)
		return cmd_open_input(call->argv[0], e);
	if (isatty(STDIN_FILENO))
		return err_set(e, EINVAL, "nothing to import: name a file or folder, or redirect");
	int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	return fd < 0 ? err_sys(e, "cannot read from stdin") : fd;
}

static int import_run(struct cmd_call *call, void *args, struct err *e)
{
	(void)args;
	auto_strv lines = STRV_INIT;
	auto_fd fd = open_source(call, e);
	if (fd < 0)
		return fd;
	const struct load_source source = {.fd = fd, .path = call->argc ? call->argv[0] : NULL};
	struct progress *progress = progress_new(STDOUT_FILENO, PROGRESS_AUTO);
	int r = image_load(call->store, &source, progress, &lines, e);
	progress_free(progress);
	print(&lines);
	bool is_named = call->argc && strcmp(call->argv[0], "-") != 0;
	return r < 0 && is_named ? err_ctx(e, "cannot import %s", call->argv[0]) : r;
}

static void tell_failure(void *arg, const struct err *failure) { cmd_report(arg, failure); }

static int migrate_run(struct cmd_call *call, void *args, struct err *e)
{
	(void)args;
	auto_strv lines = STRV_INIT;
	int r = images_migrate(call->store, &lines, tell_failure, call, e);
	print(&lines);
	return r > 0 ? 1 : r;
}

// clang-format off
static const struct opt migrate_opts[] = {
	{"migrate-db", 0, OPT_UNSUPPORTED, 0, NULL, "Podman's: migrate to SQLite",
		.flags = OPTF_HIDDEN, .hint = "moss migrates its own database by itself."},
	{"new-runtime", 0, OPT_UNSUPPORTED, 0, "string", "Podman's: change the OCI runtime",
		.flags = OPTF_HIDDEN, .hint = "moss has no other runtime."},
	{0},
};
// clang-format on

const struct cmd cmd_system_export = {
	.name = "system export",
	.brief = "Write all images to one OCI layout",
	.operands = "[FILE|DIR]",
	.max = 1,
	.needs = NEED_STORE,
	.complete = COMPLETE_FILE,
	.about =
		"Every image with all of its names, each layer once, as an OCI image layout: "
		"index.json names them in the annotation org.opencontainers.image.ref.name, "
		"blobs/sha256 has manifests, configs and plain layers. A name that ends in / or is "
		"an empty folder gets the layout's files, any other is an archive of them; without "
		"one, or with -, the archive goes to standard output. It is written under another "
		"name until it is whole. Containers and volumes are not in it, nor the manifests "
		"that "
		"images were pulled by.",
	.examples = "  moss system export images.tar\n  moss system export backup/\n"
		    "  moss system export | ssh host moss system import",
	.run = export_run,
};

const struct cmd cmd_system_import = {
	.name = "system import",
	.brief = "Take in all images of an OCI layout",
	.operands = "[FILE|DIR]",
	.max = 1,
	.needs = NEED_STORE,
	.complete = COMPLETE_FILE,
	.about =
		"Reads what system export wrote, or another OCI layout, as a folder or an archive "
		"(plain or compressed); without an operand, or with -, from standard input. Names "
		"move to the images of the layout; images that are in the store stay. A layer that "
		"is there already is not unpacked again.",
	.examples = "  moss system import images.tar\n  moss system import backup/",
	.run = import_run,
};

const struct cmd cmd_system_migrate = {
	.name = "system migrate",
	.brief = "Copy the images of Podman's store",
	.operands = "",
	.max = 0,
	.needs = NEED_STORE,
	.opts = migrate_opts,
	.about = "Has podman save every image that `podman images` lists, and loads it with its "
		 "names. Where podman is not installed, skopeo copies what the store lists. "
		 "Podman's store is "
		 "not changed. One that cannot be saved is told, and the "
		 "others are copied all the same. Images that are here already are not copied "
		 "again, so that a run that was interrupted can be repeated.",
	.examples = "  moss system migrate",
	.run = migrate_run,
};
