#include "engine/create.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/scope.h"
#include "engine/create_plan.h"
#include "engine/enter.h"
#include "engine/names.h"
#include "engine/network.h"
#include "engine/rename.h"
#include "engine/restart.h"
#include "storage/image.h"
#include "storage/rootfs.h"
#include "storage/store.h"
#include "storage/volume.h"

static bool has_cgroup2(void)
{
	struct statfs fs;
	return statfs("/sys/fs/cgroup", &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

/* An early look, so that nothing is made for a name that is taken; the insert decides. */
static int check_name(struct store *s, const char *name, struct err *e)
{
	struct container_row other = {0};
	if (str_empty(name))
		return 0;
	if (!container_name_valid(name))
		return err_set(e, EINVAL,
			"Invalid container name (%s), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
			name);
	int r = container_row_find(s->db, name, &other, e);
	if (r == ROW_OK && strcmp(other.name, name) == 0)
		r = container_name_conflict(name, other.id, e);
	container_row_deinit(&other);
	return r < 0 ? r : 0;
}

static int load_image(struct create_plan *p, const struct image *image, struct err *e)
{
	p->image = image;
	p->image_json = json_parse(image->config, strlen(image->config), "the image's config", e);
	if (!p->image_json)
		return -e->code;
	p->image_config = json_at(p->image_json, "config");
	return 0;
}

static int write_spec(const struct create_plan *p, const struct store *s, const char *driver,
	int dir_fd, struct err *e)
{
	auto_json spec = spec_build(p, s, driver, e);
	if (!spec)
		return -e->code;
	auto_free char *text = json_text(spec);
	auto_fd fd = openat(dir_fd, "config.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, "cannot make config.json");
	int r = write_all(fd, text, strlen(text));
	return r < 0 ? err_sysn(e, -r, "cannot write config.json") : 0;
}

/* The folder's content. The upper folder is the root of what the container sees: it has the mode of
 * the image's root. */
int container_make_folders(struct store *s, const char *dir, const char *const *layer_ids,
	size_t n_layers, struct err *e)
{
	static const char *const folders[] = {"upper", "work", "merged"};
	auto_fd dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st = {.st_mode = 0755};
	if (dir_fd < 0)
		return err_sys(e, "cannot open %s", dir);
	if (n_layers) {
		auto_free char *top = store_path(s, "layers/%s/diff", layer_ids[n_layers - 1]);
		(void)stat(top, &st);
	}
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		if (mkdirat(dir_fd, folders[i], 0755) < 0 && errno != EEXIST)
			return err_sys(e, "cannot make %s/%s", dir, folders[i]);
	/* What programs look for to know that they are in a container. Before the mode, which may
	 * forbid it. */
	auto_fd mark = openat(dir_fd, "upper/.dockerenv", O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	if (mark < 0)
		return err_sys(e, "cannot make %s/upper/.dockerenv", dir);
	if (fchmodat(dir_fd, "upper", st.st_mode & 07777, 0) < 0)
		return err_sys(e, "cannot make %s/upper", dir);
	return 0;
}

static int fill_folder(
	const struct create_plan *p, struct store *s, const char *driver, struct err *e)
{
	auto_fd dir_fd = open(p->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return err_sys(e, "cannot open %s", p->dir);
	int r = container_make_folders(
		s, p->dir, (const char *const *)p->image->layer_ids, p->image->n_layers, e);
	if (r == 0)
		r = create_files(p, dir_fd, e);
	if (r == 0)
		r = write_spec(p, s, driver, dir_fd, e);
	return r < 0 ? err_ctx(e, "%s", p->dir) : 0;
}

static char **copy_texts(char *const *from, size_t n)
{
	char **to = xcalloc(n + 1, sizeof(*to));
	for (size_t i = 0; i < n; i++)
		to[i] = xstrdup(from[i]);
	return to;
}

static void fill_row(const struct create_plan *p, const char *driver, struct container_new *out)
{
	const struct create_request *r = p->r;
	struct container_row *row = &out->row;
	auto_json config = create_config(p);
	memcpy(row->id, p->id, sizeof(row->id));
	row->name = str_empty(r->name) ? name_generate(0) : xstrdup(r->name);
	out->name_is_generated = str_empty(r->name);
	row->image_id = xstrdup(p->image->id);
	row->image_name = xstrdup(r->image);
	row->state = xstrdup("created");
	row->config = json_text(config);
	row->driver = xstrdup(driver);
	row->auto_remove = r->rm;
	row->restart_policy = restart_policy_text(&p->restart);
	row->created_ns = clock_now_ns();
	row->error = xstrdup("");
	auto_json network = spec_network(p);
	row->network = network_settings_early(network);
	out->layer_ids = copy_texts(p->image->layer_ids, p->image->n_layers);
	out->n_layers = p->image->n_layers;
}

static void take_volumes(const struct create_plan *p, struct container_new *out)
{
	out->volume_names = xcalloc(p->mounts.n + 1, sizeof(*out->volume_names));
	for (size_t i = 0; p->reals && i < p->mounts.n; i++)
		if (p->reals[i].volume)
			out->volume_names[out->n_volumes++] = xstrdup(p->reals[i].volume);
	for (size_t i = 0; p->reals && i < p->mounts.n; i++)
		strv_copy(&out->held_layers, &p->reals[i].layers);
}

static int prepare(struct store *s, struct create_plan *p, struct container_new *out, struct err *e)
{
	const char *driver;
	int r = p->has_idmap ? rootfs_choose_mapped(s, enter_call, &driver, e)
			     : rootfs_choose(s, enter_call, &driver, e);
	if (r < 0 || (r = store_container_new(s, p->id, &out->dir, &out->alive_fd, e)) < 0)
		return r;
	p->dir = out->dir;
	if ((r = create_userns(s, p, e)) < 0 || (r = create_passwd(p, e)) < 0 ||
		(r = create_mounts_resolve(s, p, e)) < 0 ||
		(r = fill_folder(p, s, driver, e)) < 0) {
		container_discard(s, out);
		return r;
	}
	fill_row(p, driver, out);
	take_volumes(p, out);
	return 0;
}

int container_prepare(struct store *s, const struct create_request *r, const struct image *image,
	struct container_new *out, struct strv *warnings, struct err *e)
{
	struct create_plan p = {.r = r, .has_cgroup2 = has_cgroup2()};
	unsigned char random[32];
	int rc;
	*out = (struct container_new){.alive_fd = -1};
	random_bytes(random, sizeof(random));
	hex_encode(p.id, random, sizeof(random));
	memcpy(out->row.id, p.id, sizeof(p.id));
	if ((rc = check_name(s, r->name, e)) == 0 && (rc = load_image(&p, image, e)) == 0 &&
		(rc = create_share(s, &p, e)) == 0 && (rc = create_volumes_from(s, &p, e)) == 0 &&
		(rc = create_check(&p, warnings, e)) == 0)
		rc = prepare(s, &p, out, e);
	create_plan_deinit(&p);
	if (rc < 0)
		container_new_deinit(out);
	return rc;
}
