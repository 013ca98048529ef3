/* Does a name server answer? Containers ask the host's through slirp4netns. One query (RFC 1035) to
 * each; any answer with its id will do, also that there is no such name. */
#include "engine/doctor_internal.h"
#include "base/io.h"
#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_MS = 1000, SERVERS_MAX = 3, CONF_MAX = 65536 };

/* example.com, address, Internet */
static const unsigned char query[] = "\x4d\x6f\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
				     "\x07"
				     "example"
				     "\x03"
				     "com\x00\x00\x01\x00\x01";

static bool server_address(const char *text, struct sockaddr_storage *sa, socklen_t *len)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)sa;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)sa;
	*sa = (struct sockaddr_storage){0};
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(53);
		*len = sizeof(*v4);
		return true;
	}
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) != 1)
		return false;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(53);
	*len = sizeof(*v6);
	return true;
}

static bool answers(const char *server)
{
	struct sockaddr_storage sa;
	socklen_t len;
	unsigned char got[512];
	if (!server_address(server, &sa, &len))
		return false;
	auto_fd fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, len) < 0 ||
		send(fd, query, sizeof(query) - 1, 0) < 0)
		return false;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	return poll(&p, 1, ANSWER_MS) > 0 && recv(fd, got, sizeof(got), 0) >= 12 &&
	       !memcmp(got, query, 2);
}

/* Up to SERVERS_MAX, as the C library uses. */
static void servers_of(const char *conf, struct strv *out)
{
	auto_strv lines = STRV_INIT;
	strv_split(&lines, conf, '\n');
	for (size_t i = 0; i < lines.n && out->n < SERVERS_MAX; i++) {
		const char *rest = str_after(lines.v[i], "nameserver");
		if (!rest || (*rest != ' ' && *rest != '\t'))
			continue;
		rest += strspn(rest, " \t");
		auto_free char *server = xstrndup(rest, strcspn(rest, " \t\r%"));
		strv_add(out, server);
	}
}

void check_dns(const struct patient *p, struct diagnosis *d)
{
	(void)p;
	auto_buf text = BUF_INIT;
	auto_strv servers = STRV_INIT;
	struct err e;
	if (read_file("/etc/resolv.conf", CONF_MAX, &text, &e) < 0) {
		say(d, FINDING_WARNING, "%s", e.msg);
		say_cure(d, "echo 'nameserver 1.1.1.1' | sudo tee /etc/resolv.conf");
		return;
	}
	servers_of(text.data ? text.data : "", &servers);
	for (size_t i = 0; i < servers.n; i++) {
		if (answers(servers.v[i])) {
			say_ok(d, "%s answers", servers.v[i]);
			return;
		}
	}
	if (servers.n) {
		auto_free char *all = strv_join(&servers, ", ");
		say(d, FINDING_WARNING, "no answer from %s: names cannot be looked up", all);
	} else {
		say(d, FINDING_WARNING, "/etc/resolv.conf names no server");
	}
	say_cure(d, "moss run --dns 1.1.1.1 ...");
}
