/* network: a container's network as its monitor sets it up, and what inspect shows of it.
 *
 * container_prepare writes the annotation moss.network into config.json:
 *   {"mode": "slirp4netns|none|host|shared", "name": "bridge", "host_loopback": bool, "ipv6": bool,
 *    "mtu": n, "mac": "...", "exposed": ["99/tcp"],
 *    "ports": [{"ip": "", "start": 8080, "end": 8080, "port": 80, "proto": "tcp"}]}
 * start 0 = any free host port, chosen at each start; start < end = the first free one of them.
 */
#ifndef ENGINE_NETWORK_H
#define ENGINE_NETWORK_H

#include <jansson.h>
#include <stdbool.h>

struct err;
struct network;

/* In the monitor, host's network namespace: starts what the annotation (may be NULL) asks for and
 * returns at once. api_socket: an absolute path that nothing else uses. */
int network_start(const char *annotation, int netns_fd, const char *api_socket,
	struct network **out, struct err *e);
/* Nothing to wait for: network_finish may be called at once. */
bool network_is_up(const struct network *n);
/* Waits until the container's interface is up and publishes the ports. *settings (owned) is the
 * NetworkSettings object of docker inspect for the container's row. Errors have status 125. */
int network_finish(struct network *n, char **settings, struct err *e);
/* Tells the helper, a child of the caller, to end; does not wait. NULL is fine, as is a second
 * call. */
void network_stop(struct network *n);
/* Stops and frees. */
void network_free(struct network *n);

/* What network_finish will tell, where that is known before: no port is published. Owned; NULL
 * else. plan: the annotation. */
char *network_settings_early(const json_t *plan);
/* NetworkSettings of a container that does not run. mode: HostConfig.NetworkMode. New reference. */
json_t *network_settings_idle(const char *mode);

#endif
