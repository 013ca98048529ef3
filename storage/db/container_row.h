/* container_row: what the database keeps of a container. The meaning of states is the engine's
 * (engine/state.h); here they are text.
 *
 * A change of state carries the old state in its WHERE: ROW_LOST tells the caller it lost a race.
 */
#ifndef STORAGE_DB_CONTAINER_ROW_H
#define STORAGE_DB_CONTAINER_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/proc.h"

struct db;
struct err;

enum row_result { ROW_OK = 0, ROW_LOST = 1, ROW_ABSENT = 2, ROW_CONFLICT = 3, ROW_AMBIGUOUS = 4 };

struct container_row {
	char id[65];
	char *name; /* without the leading "/" */
	char *image_id; /* "sha256:<hex>" */
	char *image_name; /* as the user typed it (Config.Image) */
	char *state; /* created running paused restarting removing exited dead */
	char *config; /* JSON object: Config, HostConfig, Path, Args, Mounts, Platform ... in the
			 form of docker inspect; see engine/create.h */
	char *driver; /* overlay, fuse-overlayfs, vfs; for life */
	bool auto_remove;
	int64_t created_ns, started_ns, finished_ns;
	int exit_code;
	bool oom_killed;
	char *error; /* State.Error, "" */
	int restart_count;
	/* The running one: valid for boot_id only. */
	char *boot_id;
	struct proc_id init; /* ns_ino = inode of its pid namespace */
	struct proc_id monitor; /* ns_ino = inode of its user namespace */
	char *network; /* JSON: NetworkSettings as inspect shows them; may be NULL */
	bool is_stopped; /* by the user: no policy starts it again until a start does */
	char *restart_policy; /* "always", "unless-stopped", "on-failure:3"; NULL = no */
	char *health; /* JSON: State.Health as inspect shows it; NULL = no check */
	char *cgroup; /* below the cgroup2 mount, with a leading "/"; NULL = none */
};
void container_row_deinit(struct container_row *r);
#define auto_container_row __attribute__((cleanup(container_row_deinit))) struct container_row

/* The stack of layers under a container, top last (layers.id). */
struct container_layers {
	char **ids;
	size_t n;
};

/* Inserts with its layers (container_layer rows hold them against rmi's gc) and its volume uses.
 * ROW_CONFLICT where the name is taken: *other_id (owned) is whose. */
int container_row_insert(struct db *db, const struct container_row *r, const char *const *layer_ids,
	size_t n_layers, const char *const *volume_names, size_t n_volumes, char **other_id,
	struct err *e);
/* Once, in the transaction of the insert: layers that are mounted in the container without being
 * under it. They are held like its own, and container_row_layers does not list them. */
int container_row_hold_layers(
	struct db *db, const char *id, const char *const *layer_ids, size_t n, struct err *e);
/* id or name or unique id prefix (full id, exact name, prefix: Docker's order; a leading "/" is
 * ignored). ROW_OK, ROW_ABSENT, ROW_AMBIGUOUS or -errno. */
int container_row_find(struct db *db, const char *what, struct container_row *out, struct err *e);
/* All, newest first; rows is the caller's array to deinit and free. */
int container_row_list(struct db *db, struct container_row **rows, size_t *n, struct err *e);
int container_row_layers(
	struct db *db, const char *id, char ***layer_ids, size_t *n, struct err *e);
/* Those of them that were the container's own writable layer until a commit took it: the top ones. */
int container_row_layers_own(
	struct db *db, const char *id, char ***layer_ids, size_t *n, struct err *e);
int container_row_own_bytes(struct db *db, const char *id, int64_t *bytes, struct err *e);
int container_row_add_own_layer(
	struct db *db, const char *id, const char *layer_id, struct err *e);

/* from_state -> running, with boot id, processes, times, network. ROW_OK or ROW_LOST. */
int container_row_set_running(
	struct db *db, const struct container_row *r, const char *from_state, struct err *e);
/* from_state -> initialized, with boot id, processes, network. ROW_OK or ROW_LOST. */
int container_row_set_initialized(
	struct db *db, const struct container_row *r, const char *from_state, struct err *e);
/* initialized, with these processes -> what it was before: exited where it has run, else created. */
int container_row_set_back(struct db *db, const struct container_row *r, struct err *e);
/* initialized/running/paused -> exited (or created, where exec failed), with code, error, oom,
 * finished. */
int container_row_set_ended(struct db *db, const char *id, const char *to_state, int exit_code,
	bool oom_killed, const char *error, int64_t finished_ns, struct err *e);
/* One state for another, nothing else. ROW_OK or ROW_LOST. */
int container_row_change_state(
	struct db *db, const char *id, const char *from, const char *to, struct err *e);
/* running/paused -> restarting, with one restart more on the count. ROW_OK or ROW_LOST. */
int container_row_set_restarting(struct db *db, const char *id, int exit_code, bool oom_killed,
	int64_t finished_ns, struct err *e);
/* A start that never got as far as running; the state stays. ROW_LOST where it runs. */
int container_row_set_error(
	struct db *db, const char *id, int exit_code, const char *error, struct err *e);
/* The user has stopped it: its policy rests until the next start. ROW_LOST where it is not live. */
int container_row_set_stopped(struct db *db, const char *id, struct err *e);
int container_row_set_network(struct db *db, const char *id, const char *network, struct err *e);
/* policy NULL = none; config: the whole JSON, with HostConfig.RestartPolicy as it is then. */
int container_row_set_restart_policy(
	struct db *db, const char *id, const char *policy, const char *config, struct err *e);
/* Of the life that began at started_ns; ROW_LOST where that is over. */
int container_row_set_health(
	struct db *db, const char *id, int64_t started_ns, const char *health, struct err *e);
/* Any state but `removing` and, unless force, running -> removing. ROW_OK, ROW_LOST. */
int container_row_set_removing(struct db *db, const char *id, bool force, struct err *e);
int container_row_rename(
	struct db *db, const char *id, const char *name, char **other_id, struct err *e);
/* The row and what hangs on it. */
int container_row_delete(struct db *db, const char *id, struct err *e);
/* Ids of those with processes, and of those marked for removal (whose remover may be dead). */
int container_row_list_live(struct db *db, char ***ids, size_t *n, struct err *e);
int container_row_list_removing(struct db *db, char ***ids, size_t *n, struct err *e);
/* Monitors of running containers of this boot: candidates for joining their user namespace. */
int container_row_monitors(struct db *db, struct proc_id **out, size_t *n, struct err *e);

#endif
