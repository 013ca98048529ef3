/* hosts, resolv.conf and hostname in the container's folder. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
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

bool create_files_mounts(const struct create_plan *p, const char *name)
{
	const struct create_request *r = p->r;
	if (strcmp(name, "hosts") == 0)
		return !r->no_hosts;
	if (strcmp(name, "hostname") == 0)
		return !r->no_hostname;
	if (strcmp(name, "localtime") == 0)
		return !str_empty(r->tz);
	return r->dns.n != 1 || strcmp(r->dns.v[0], "none") != 0;
}

/* What hosts begins with: --hosts-file, or with the host's network the host's. */
static int hosts_base(const struct create_plan *p, char **text, struct err *e)
{
	const char *given = p->r->hosts_file;
	if (str_empty(given))
		*text = p->net == NET_HOST ? host_file("/etc/hosts") : NULL;
	else if (strcmp(given, "image") == 0)
		return err_set(e, ENOTSUP,
			"--hosts-file image is not supported: --no-hosts leaves "
			"the image's file as it is");
	else if (strcmp(given, "none") != 0 && !(*text = host_file(given)))
		return err_set(e, ENOENT, "cannot read the --hosts-file %s", given);
	return 0;
}

/* --tz: a zone's file, or "local" for the host's. */
static int read_zone(const char *tz, struct buf *text, struct err *e)
{
	const char *zones = getenv("TZDIR");
	struct err why = {0};
	auto_free char *zone = xasprintf("%s/%s", zones ? zones : "/usr/share/zoneinfo", tz);
	const char *path = strcmp(tz, "local") == 0 ? "/etc/localtime" : zone;
	if (*tz == '/' || strstr(tz, "..") || read_file(path, HOST_FILE_MAX, text, &why) < 0 ||
		text->len < 4 || memcmp(text->data, "TZif", 4) != 0)
		return err_set(e, EINVAL, "unknown time zone %s", tz);
	return 0;
}

static int put_localtime(const struct create_plan *p, int dir_fd, struct err *e)
{
	auto_buf text = BUF_INIT;
	int r = read_zone(p->r->tz, &text, e);
	if (r < 0)
		return r;
	auto_fd fd = openat(dir_fd, "localtime", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	r = fd < 0 ? -errno : write_all(fd, text.data, text.len);
	return r < 0 ? err_sysn(e, -r, "cannot make localtime") : 0;
}

int create_files_check(const struct create_plan *p, struct err *e)
{
	const struct create_request *r = p->r;
	auto_free char *base = NULL;
	auto_buf zone = BUF_INIT;
	const char *with = r->add_host.n               ? "--add-host"
			   : !str_empty(r->hosts_file) ? "--hosts-file"
						       : NULL;
	if (r->no_hosts && with) {
		err_set(e, EINVAL, "--no-hosts and %s cannot be set together", with);
		return err_status(e, 125);
	}
	int rc = !str_empty(r->hosts_file) ? hosts_base(p, &base, e) : 0;
	return rc < 0 || str_empty(r->tz) ? rc : read_zone(r->tz, &zone, e);
}

int create_files(const struct create_plan *p, int dir_fd, struct err *e)
{
	const struct create_request *r = p->r;
	auto_free char *host_hosts = NULL;
	int rc = hosts_base(p, &host_hosts, e);
	if (rc < 0)
		return rc;
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
	if (create_files_mounts(p, "localtime") && (rc = put_localtime(p, dir_fd, e)) < 0)
		return rc;
	if ((rc = file_put(dir_fd, "hosts", hosts, e)) < 0 ||
		(rc = file_put(dir_fd, "resolv.conf", resolv, e)) < 0)
		return rc;
	return file_put(dir_fd, "hostname", hostname, e);
}
