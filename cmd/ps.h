/* ps: one container of the list, and which containers are listed. */
#ifndef CMD_PS_H
#define CMD_PS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cmd/ps_filter.h"
#include "storage/db/container_row.h"

struct err;
struct store;

/* A row and its JSON, parsed where somebody asks for it. */
struct ps_container {
	const struct container_row *row;
	json_t *config; /* what ps_scan takes of it */
	json_t *network; /* NetworkSettings of a running one */
	int64_t size; /* of the writable layer, where it was measured */
	int64_t image_size;
};
const json_t *ps_config(struct ps_container *c);
/* Of that JSON: Path, Args, Mounts, Config.Labels, HostConfig.NetworkMode. New reference, or NULL
 * where the text is not as expected. */
json_t *ps_scan(const char *text);
const json_t *ps_network(struct ps_container *c);
void ps_container_deinit(struct ps_container *c);

struct ps_options {
	bool all;
	bool no_trunc;
	bool with_size;
	bool only_row; /* what is in the JSON columns is not wanted */
	bool with_extra; /* a field of Podman's is wanted */
	int64_t limit; /* 0 = none */
	struct filters filters;
};
/* The names of the filters, NULL-terminated. */
extern const char *const ps_filter_names[];

/* What the daemon reports: objects {ip, private, public, type}. New reference. */
json_t *ps_ports(struct ps_container *c);
/* "0.0.0.0:8080-8082->8080-8082/tcp, 90/udp". Owned. */
char *ps_ports_text(const json_t *ports);
/* "Up 3 minutes", "Exited (137) 2 hours ago" ... Owned. */
char *ps_status(const struct container_row *row, int64_t now_ns);
/* "starting", "healthy", "unhealthy", or "none" where nothing checks. Borrowed. */
const char *ps_health(const struct container_row *row);
/* How --sort compares: "command", "created" ...; NULL where that is none of its words. */
typedef int ps_compare_fn(const json_t *a, const json_t *b);
ps_compare_fn *ps_sort_order(const char *key);
/* Rows in that order; equal ones stay as they are. New reference. */
json_t *ps_sorted(const json_t *rows, ps_compare_fn *order);

/* Members of a row that are no fields: for sorting. */
#define PS_CREATED_NS "created ns"
#define PS_SIZE_BYTES "size bytes"
/* The fields of a row; new reference. image_ids: what each image name stands for now. */
json_t *ps_row(struct ps_container *c, const struct ps_options *o, const json_t *image_ids,
	int64_t now_ns);

/* Sets shown[i] for the containers (newest first) that are listed. */
int ps_select(struct store *s, const struct ps_options *o, struct ps_container *containers,
	size_t n, bool *shown, struct err *e);

#endif
