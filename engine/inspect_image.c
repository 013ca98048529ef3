#include "engine/inspect_object.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/image_like.h"
#include "engine/transfer/places.h"
#include "registry/reference.h"
#include "storage/db/container_row.h"
#include "storage/image.h"
#include "storage/store.h"
#include "storage/volume.h"

/* "docker.io/library/debian:12" as "debian:12". Owned. */
static char *familiar(const char *name)
{
	auto_reference ref = {.domain = NULL};
	struct err ignored;
	if (reference_parse(name, false, &ref, &ignored) < 0)
		return xstrdup(name);
	return reference_familiar(&ref);
}

static json_t *familiar_names(char *const *names)
{
	json_t *list = json_array();
	for (; names && *names; names++) {
		auto_free char *name = familiar(*names);
		json_array_append_new(list, json_string(name));
	}
	return list;
}

/* Maps come out of Docker sorted by key. New reference. */
static json_t *sorted(json_t *j)
{
	return json_is_object(j) ? json_sorted(json_incref(j)) : json_incref(j);
}

json_t *image_config_complete(const json_t *from)
{
	static const struct {
		const char *key;
		char kind; /* s text, b boolean, a anything, null where missing; ? only where given
			    */
	} keys[] = {{"Hostname", 's'}, {"Domainname", 's'}, {"User", 's'}, {"AttachStdin", 'b'},
		{"AttachStdout", 'b'}, {"AttachStderr", 'b'}, {"ExposedPorts", '?'}, {"Tty", 'b'},
		{"OpenStdin", 'b'}, {"StdinOnce", 'b'}, {"Env", 'a'}, {"Cmd", 'a'},
		{"Healthcheck", '?'}, {"ArgsEscaped", '?'}, {"Image", 's'}, {"Volumes", 'a'},
		{"WorkingDir", 's'}, {"Entrypoint", 'a'}, {"OnBuild", 'a'}, {"Labels", 'a'},
		{"StopSignal", '?'}, {"StopTimeout", '?'}, {"Shell", '?'}};
	json_t *o = json_object();
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		json_t *v = json_object_get(from, keys[i].key);
		if (v)
			json_set(o, keys[i].key, sorted(v));
		else if (keys[i].kind == 's')
			json_set_str(o, keys[i].key, "");
		else if (keys[i].kind == 'b')
			json_set_bool(o, keys[i].key, false);
		else if (keys[i].kind == 'a')
			json_set(o, keys[i].key, json_null());
	}
	return o;
}

static json_t *graph_driver(struct store *s, const struct image *image)
{
	json_t *data = json_object();
	auto_buf lower = BUF_INIT;
	for (size_t i = image->n_layers; i-- > 1;) {
		auto_free char *dir = store_path(s, "layers/%s/diff", image->layer_ids[i - 1]);
		buf_printf(&lower, "%s%s", lower.len ? ":" : "", dir);
	}
	if (lower.len)
		json_set_str(data, "LowerDir", lower.data);
	if (image->n_layers) {
		const char *top = image->layer_ids[image->n_layers - 1];
		auto_free char *upper = store_path(s, "layers/%s/diff", top);
		json_set_str(data, "UpperDir", upper);
	}
	const char *driver = s->driver_wanted ? s->driver_wanted : "overlay";
	return json_pack("{s:o, s:s}", "Data", data, "Name", driver);
}

static json_t *rootfs(const struct image *image)
{
	if (!image->n_layers)
		return json_pack("{s:s}", "Type", "layers");
	json_t *layers = json_array();
	for (size_t i = 0; i < image->n_layers; i++)
		json_array_append_new(layers, json_string(image->diff_ids[i]));
	return json_pack("{s:s, s:o}", "Type", "layers", "Layers", layers);
}

/* The image's own comment, or that of its last step. */
static const char *comment(const json_t *config)
{
	const json_t *history = json_at(config, "history");
	const char *own = json_str(config, "comment");
	size_t n = json_array_size(history);
	if (!str_empty(own) || !n)
		return own ? own : "";
	return json_str_or(json_array_get(history, n - 1), "comment", "");
}

/* With its own time zone; 1970 itself is a time, too (of reproducible builds). NULL: not told. */
static char *created_at(const struct image *image, const char *text)
{
	if (!text || image->created_ns == 0 || !str_ends(text, "Z"))
		return text ? xstrdup(text) : NULL;
	return clock_rfc3339(image->created_ns == IMAGE_CREATED_NEVER ? 0 : image->created_ns);
}

json_t *image_inspect(struct store *s, const struct image *image)
{
	struct err ignored;
	auto_json config = json_parse(image->config, strlen(image->config), "config", &ignored);
	auto_free char *created = created_at(image, json_str(config, "created"));
	json_t *o = json_object();
	json_set_str(o, "Id", image->id);
	json_set(o, "RepoTags", familiar_names(image->names));
	json_set(o, "RepoDigests", familiar_names(image->digests));
	json_set_str(o, "Parent", image->parent ? image->parent : "");
	json_set_str(o, "Comment", comment(config));
	if (created)
		json_set_str(o, "Created", created);
	json_set_str(o, "DockerVersion", json_str_or(config, "docker_version", ""));
	json_set_str(o, "Author", json_str_or(config, "author", ""));
	json_set(o, "Config", image_config_complete(json_at(config, "config")));
	json_set_str(o, "Architecture", json_str_or(config, "architecture", ""));
	if (!str_empty(json_str(config, "variant")))
		json_set_str(o, "Variant", json_str(config, "variant"));
	json_set_str(o, "Os", json_str_or(config, "os", ""));
	if (!str_empty(json_str(config, "os.version")))
		json_set_str(o, "OsVersion", json_str(config, "os.version"));
	json_set_int(o, "Size", image->size);
	json_set(o, "GraphDriver", graph_driver(s, image));
	json_set(o, "RootFS", rootfs(image));
	auto_free char *tagged = clock_rfc3339(image->tagged_ns);
	json_set(o, "Metadata", json_pack("{s:s}", "LastTagTime", tagged));
	return o;
}

int image_lookup(struct store *s, const char *typed, struct image *out, struct err *e)
{
	auto_reference ref = {.domain = NULL};
	auto_free char *full = NULL;
	auto_free char *shown = NULL;
	struct err bad_name = {0};
	if (reference_parse(typed, true, &ref, &bad_name) == 0) {
		full = reference_key(&ref);
		shown = reference_familiar(&ref);
	}
	int r = image_find(s, typed, full, out, e);
	if (r == ROW_ABSENT && full)
		r = pull_places_here(s, typed, out, NULL, e);
	if (r == ROW_ABSENT && !full)
		*e = bad_name;
	else if (r == ROW_ABSENT) {
		err_set(e, ENOENT, "No such image: %s", shown);
		(void)image_like_hint(s, typed, e);
	}
	if (r == ROW_AMBIGUOUS)
		return err_set(e, EINVAL, "multiple IDs found with provided prefix: %s", typed);
	return r;
}

/* JSON text of a column as an object; null where there is none. */
static json_t *object_or_null(const char *text)
{
	struct err ignored;
	auto_json o = str_empty(text) ? NULL : json_parse(text, strlen(text), "volume", &ignored);
	return o ? sorted(o) : json_null();
}

json_t *volume_inspect(const struct volume *volume)
{
	int64_t seconds = volume->created_ns / NS_PER_S;
	auto_free char *created = clock_rfc3339(seconds * NS_PER_S);
	json_t *o = json_object();
	json_set_str(o, "CreatedAt", created);
	json_set_str(o, "Driver", volume->driver);
	if (str_empty(volume->labels) && volume->is_anonymous)
		json_set(o, "Labels", json_pack("{s:s}", "com.docker.volume.anonymous", ""));
	else
		json_set(o, "Labels", object_or_null(volume->labels));
	json_set_str(o, "Mountpoint", volume->mountpoint);
	json_set_str(o, "Name", volume->name);
	json_set(o, "Options", object_or_null(volume->options));
	json_set_str(o, "Scope", "local");
	return o;
}
