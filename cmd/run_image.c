/* From the operands of run and create to an image, and to a prepared container. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/scope.h"
#include "cmd/client_config.h"
#include "cmd/cmd.h"
#include "cmd/image_names.h"
#include "cmd/platform.h"
#include "cmd/pull_choose.h"
#include "cmd/run_opts.h"
#include "engine/image_like.h"
#include "engine/restart.h"
#include "engine/start.h"
#include "engine/transfer/places.h"
#include "engine/transfer/platform.h"
#include "engine/transfer/pull.h"
#include "engine/transfer/pull_transport.h"
#include "registry/reference.h"
#include "registry/transport.h"
#include "storage/db/container_row.h"
#include "storage/image.h"
#include "storage/store.h"

enum pull_policy { PULL_MISSING, PULL_ALWAYS, PULL_NEVER };

static int pull_policy_parse(const char *text, enum pull_policy *policy, struct err *e)
{
	static const char *const names[] = {"missing", "always", "never"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (text && strcmp(text, names[i]) != 0)
			continue;
		*policy = (enum pull_policy)i;
		return 0;
	}
	err_set(e, EINVAL,
		"invalid pull option: '%s': must be one of \"always\", \"missing\" or \"never\"",
		text);
	return err_status(e, 125);
}

/* Is the image for the wanted "os[/architecture[/variant]]"? */
static bool matches_platform(const struct image *image, const char *platform)
{
	struct err ignored;
	auto_strv wanted = STRV_INIT;
	auto_json j = json_parse(image->config, strlen(image->config), "config", &ignored);
	const char *keys[] = {"os", "architecture", "variant"};
	strv_split(&wanted, platform, '/');
	for (size_t i = 0; i < wanted.n && i < ARRAY_LEN(keys); i++) {
		const char *have = json_str_or(j, keys[i], "");
		if (*have && strcmp(have, wanted.v[i]) != 0)
			return false;
	}
	return true;
}

static int check_platform(const char *platform, struct err *e)
{
	auto_strv parts = STRV_INIT;
	if (str_empty(platform))
		return 0;
	strv_split(&parts, platform, '/');
	bool ok = parts.n <= 3 && strcmp(parts.v[0], "linux") == 0;
	for (size_t i = 0; i < parts.n; i++)
		ok &= parts.v[i][0] != '\0';
	if (ok)
		return 0;
	return err_set(e, EINVAL,
		"error parsing specified platform: \"%s\": unknown operating system or "
		"architecture: "
		"invalid argument",
		platform);
}

static struct pull_options pull_options(
	const struct cmd_call *call, const struct create_args *a, const char *platform)
{
	struct pull_options o = registry_pull_options(call, &a->registry);
	o.platform = platform;
	o.progress_fd = 2;
	o.quiet = a->quiet;
	o.choose = pull_choose;
	return o;
}

/* What came from a file or folder is called by the name that it got, or by its ID. */
static int pull_transport(struct cmd_call *call, const struct create_args *a,
	struct pull_options *o, struct image *out, char **name, struct err *e)
{
	auto_free char *full = NULL;
	o->pulled = &full;
	int r = image_pull_transport(call->store, a->req.image, o, out, e);
	if (r == 0)
		*name = full ? image_familiar(full) : xstrdup(out->id + strlen("sha256:"));
	return r;
}

/* *name: of an image that is called otherwise than it was typed. */
static int pull(struct cmd_call *call, const struct create_args *a, const char *platform,
	struct image *out, char **name, struct err *e)
{
	struct pull_options o = pull_options(call, a, platform);
	if (transport_is(a->req.image))
		return pull_transport(call, a, &o, out, name, e);
	int r = image_pull(call->store, a->req.image, &o, out, NULL, e);
	return r < 0 ? image_like_pull_hint(call->store, a->req.image, e) : r;
}

/* To those who asked for no platform. */
static void warn_of_platform(const struct image *image)
{
	auto_platform ours = {0};
	struct err ignored;
	if (platform_parse(NULL, &ours, &ignored) < 0 || platform_has(&ours, image->config))
		return;
	auto_json config = json_parse(image->config, strlen(image->config), "config", &ignored);
	const char *arch = json_str_or(config, "architecture", "");
	const char *variant = json_str_or(config, "variant", "");
	fprintf(stderr,
		"WARNING: The requested image's platform (%s%s%s%s%s) does not match the detected "
		"host platform (%s/%s%s%s) and no specific platform was requested\n",
		json_str_or(config, "os", ""), *arch ? "/" : "", arch, *variant ? "/" : "", variant,
		ours.os, ours.architecture, ours.variant ? "/" : "",
		ours.variant ? ours.variant : "");
}

/* From the store or, as --pull says, from its registry. platform may be NULL or "". */
static int image_get_of(struct cmd_call *call, struct create_args *a, const char *platform,
	struct image *out, char **name, struct err *e)
{
	auto_reference ref = {0};
	struct err bad_reference = {0};
	enum pull_policy policy = PULL_MISSING;
	int r;
	if ((r = pull_policy_parse(a->req.pull, &policy, e)) < 0 ||
		(r = check_platform(platform, e)) < 0)
		return r;
	bool is_name = reference_parse(a->req.image, true, &ref, &bad_reference) == 0;
	auto_free char *full = is_name ? reference_key(&ref) : NULL;
	if (policy != PULL_ALWAYS || !is_name) {
		r = image_find(call->store, a->req.image, full, out, e);
		if (r == ROW_ABSENT && is_name)
			r = pull_places_here(call->store, a->req.image, out, NULL, e);
		if (r == ROW_OK && (str_empty(platform) || matches_platform(out, platform)))
			return 0;
		if (r == ROW_OK)
			image_deinit(out);
		if (r == ROW_AMBIGUOUS)
			return err_set(e, EINVAL, "multiple IDs found with provided prefix: %s",
				a->req.image);
		if (r < 0)
			return r;
	}
	bool is_transport = transport_is(a->req.image);
	if (!is_name && (!is_transport || policy == PULL_NEVER)) {
		*e = bad_reference;
		return image_name_hint(a->req.image, e);
	}
	auto_free char *shown = is_name ? reference_familiar(&ref) : NULL;
	if (policy == PULL_NEVER) {
		err_set(e, ENOENT, "No such image: %s", shown);
		return image_like_hint(call->store, a->req.image, e);
	}
	if (policy == PULL_MISSING && !is_transport && !a->quiet)
		fprintf(stderr, "Unable to find image '%s' locally\n", shown);
	return pull(call, a, platform, out, name, e);
}

/* The image of that name. */
static int image_get(
	struct cmd_call *call, struct create_args *a, struct image *out, char **name, struct err *e)
{
	auto_free char *given = platform_text(a->req.platform, a->os, a->arch, a->variant);
	const char *platform = given ? given : getenv("DOCKER_DEFAULT_PLATFORM");
	if (!str_empty(a->req.platform) && (!str_empty(a->os) || !str_empty(a->arch))) {
		err_set(e, EINVAL, "--platform option can not be specified with --arch or --os");
		return err_status(e, 125);
	}
	int r = image_get_of(call, a, platform, out, name, e);
	if (r >= 0 && str_empty(platform))
		warn_of_platform(out);
	return r;
}

static int check_cidfile(const char *path, struct err *e)
{
	if (str_empty(path))
		return 0;
	if (access(path, F_OK) == 0)
		return err_set(e, EEXIST,
			"container ID file found, make sure the other container isn't running or "
			"delete %s",
			path);
	auto_fd fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0) {
		int code = errno;
		return err_set(e, code, "failed to create the container ID file: open %s: %s", path,
			code == ENOENT ? "no such file or directory" : strerror(code));
	}
	(void)unlink(path);
	return 0;
}

int create_args_write_cidfile(const struct create_args *a, const char *id, struct err *e)
{
	if (str_empty(a->req.cidfile))
		return 0;
	auto_fd fd = open(a->req.cidfile, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_sys(
			e, "failed to create the container ID file: open %s", a->req.cidfile);
	int r = write_all(fd, id, strlen(id));
	if (r < 0)
		return err_sysn(e, -r, "failed to write the container ID file %s", a->req.cidfile);
	return 0;
}

/* --replace: the container of that name goes, as with rm -f. */
static int make_way(struct store *s, const struct create_args *a, struct err *e)
{
	struct container_row row = {0};
	if (!a->replace)
		return 0;
	if (str_empty(a->req.name)) {
		err_set(e, EINVAL, "cannot replace container without --name being set");
		return err_status(e, 125);
	}
	int r = container_row_find(s->db, a->req.name, &row, e);
	if (r == ROW_OK && !strcmp(row.name, a->req.name) &&
		(r = container_reconcile(s, &row, e)) == ROW_OK)
		r = container_remove(s, &row, true, false, e);
	container_row_deinit(&row);
	return r < 0 ? r : 0;
}

int create_args_prepare(
	struct cmd_call *call, struct create_args *a, struct container_new *out, struct err *e)
{
	auto_strv warnings = STRV_INIT;
	auto_free char *name = NULL;
	struct image image = {0};
	a->req.image = call->argv[0];
	a->req.command = call->argv + 1;
	int r = check_cidfile(a->req.cidfile, e);
	if (r < 0 || (r = create_check_early(&a->req, e)) < 0 ||
		(r = image_get(call, a, &image, &name, e)) < 0)
		return r;
	if ((r = make_way(call->store, a, e)) < 0) {
		image_deinit(&image);
		return r;
	}
	auto_json config = client_config_load(call->globals);
	client_config_proxies(config, &a->req.env);
	if (name)
		a->req.image = name;
	r = container_prepare(call->store, &a->req, &image, out, &warnings, e);
	for (size_t i = 0; i < warnings.n; i++)
		fprintf(stderr, "%s\n", warnings.v[i]);
	image_deinit(&image);
	a->req.image = call->argv[0];
	/* To a person only: scripts may compare what they get. */
	if (r == 0 && out->row.restart_policy && isatty(2)) {
		auto_free char *hint = restart_hint(call->store);
		if (hint)
			log_warn("%s", hint);
	}
	return r;
}
