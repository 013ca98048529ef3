/* stand: containers whose init stands before exec (`init`, state initialized).
 *
 * Namespaces, root file system, network, cgroup and init are there, the image's program is not: the
 * stub of launch.h waits for its word, the monitor for a start. The row has processes and boot id;
 * times, exit code, health and restart count are those of the last run until it is started.
 *
 * The start of it. The front connects to the monitor's socket (an attach stream), writes the row
 * (running, from initialized) and sends ATTACH_GO on that stream. The monitor lets init go and
 * tells every client ATTACH_STARTED, or ATTACH_FAILED with the error, which it has recorded;
 * nothing comes before that on any stream, so that who attached first gets the first byte. The row
 * decides: of two starts one changes it, against `rm -f` either. Where a client has gone while init
 * stands, the monitor looks at the row, and lets init go where that says running: a front that dies
 * between the row and its word leaves nothing undone.
 *
 * The end of it. `stop` kills init: exited (137), as Podman has it. Where the monitor dies, or is
 * told to end, the container is again what it was before. A start that fails is recorded as any.
 */
#ifndef ENGINE_STAND_H
#define ENGINE_STAND_H

struct container_row;
struct err;
struct store;

/* Of a created or ended container; the row is as it is then. An error (Podman's words for a
 * container in another state) leaves the container as it was. */
int container_init(struct store *s, struct container_row *row, struct err *e);

#endif
