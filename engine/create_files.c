/* hosts, resolv.conf and hostname in the container's folder. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/scope.h"
#include "engine/create_plan.h"
#include "engine/hosts.h"
#include "netns/slirp.h"

enum { HOST_FILE_MAX = 1 << 20 };

/* Files of a container that is not visible yet: no rename, no sync. World-readable, since the
 * container's users read them. */
static int file_put(int dir_fd, const char *name, const char *text, struct err *e)
{
	auto_fd fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_sys(e, "cannot make %s", name);
	if (fchmod(fd, 0644) < 0)
		return err_sys(e, "cannot make %s", name);
	int r = write_all(fd, text, strlen(text));
	return r < 0 ? err_sysn(e, -r, "cannot write %s", name) : 0;
}

static char *host_file(const char *path)
{
	auto_buf b = BUF_INIT;
	struct err ignored;
	if (read_file(path, HOST_FILE_MAX, &b, &ignored) < 0)
		return NULL;
	return buf_take(&b);
}

int create_files(const struct create_plan *p, int dir_fd, struct err *e)
{
	const struct create_request *r = p->r;
	auto_free char *host_hosts = p->net == NET_HOST ? host_file("/etc/hosts") : NULL;
	auto_free char *host_resolv = host_file("/etc/resolv.conf");
	struct hosts_options h = {
		.ip = p->net == NET_SLIRP ? SLIRP_ADDRESS : NULL,
		.hostname = p->hostname,
		.domainname = p->domainname,
		.gateway_ip = p->net == NET_HOST ? "127.0.0.1" : SLIRP_GATEWAY,
		.base = host_hosts,
		.add_host = &r->add_host,
	};
	struct resolv_options o = {
		.host_text = host_resolv,
		.stub = p->net == NET_SLIRP ? SLIRP_DNS : NULL,
		.dns = &r->dns,
		.search = &r->dns_search,
		.options = &r->dns_option,
	};
	auto_free char *hosts = hosts_text(&h);
	auto_free char *resolv = resolv_text(&o);
	auto_free char *hostname = xasprintf("%s\n", p->hostname);
	int rc;
	if ((rc = file_put(dir_fd, "hosts", hosts, e)) < 0 ||
		(rc = file_put(dir_fd, "resolv.conf", resolv, e)) < 0)
		return rc;
	return file_put(dir_fd, "hostname", hostname, e);
}
