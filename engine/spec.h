/* spec: the OCI runtime specification (1.0.2) of a container, with Docker's defaults. The builder
 * itself works on a create_plan (engine/create_plan.h). */
#ifndef ENGINE_SPEC_H
#define ENGINE_SPEC_H

struct json_t;

enum { SPEC_SHM_SIZE = 64 << 20 };
/* The source of a mount that is the /dev/shm of the container whose ipc namespace is joined. */
#define SPEC_JOINED_SHM "moss.join.ipc"

/* Docker's default masked and read-only paths. New references. */
struct json_t *spec_masked_paths(void);
struct json_t *spec_readonly_paths(void);

#endif
