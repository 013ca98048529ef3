/* parse_port: `-p` and `--expose` as Docker reads them.
 *
 *   [ip:][host[-end]:]container[-end][/tcp|udp|sctp]     [::1]:80:80     ip::80
 *   target=80,published=8080,protocol=tcp
 */
#ifndef ENGINE_PARSE_PORT_H
#define ENGINE_PARSE_PORT_H

#include <stddef.h>
#include <stdint.h>

struct err;

/* One container port and the host port, or the range of which the first free one is taken. */
struct port_spec {
	char host_ip[64]; /* "" = every address */
	uint32_t host_start; /* 0 with host_given "" = any free port */
	uint32_t host_end;
	char host_text[16]; /* HostPort as docker inspect prints it: "", "80", "8000-8005" */
	uint16_t container;
	char proto[8]; /* tcp, udp, sctp */
};

struct port_specs {
	struct port_spec *v;
	size_t n;
};
void port_specs_free(struct port_specs *p);
#define auto_port_specs __attribute__((cleanup(port_specs_free))) struct port_specs

/* Adds one spec for each container port. Errors have status 125. */
int port_parse_publish(const char *text, struct port_specs *out, struct err *e);
/* The same for --expose: only container ports and protocol are filled. */
int port_parse_expose(const char *text, struct port_specs *out, struct err *e);
/* "80", "80-90" -> start, end (1..65535, start <= end); -1 on anything else. */
int port_parse_range(const char *text, uint32_t *start, uint32_t *end);

#endif
