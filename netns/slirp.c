#include "netns/slirp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/capability.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/spawn.h"
#include "base/str.h"

enum { LOG_SIZE = 4096, REPLY_MAX = 8192 };

/* A file in memory that cannot grow: slirp4netns outlives the terminal, and what a container makes
 * it complain about must not fill memory. */
static int log_open(void)
{
	auto_fd fd = memfd_create("slirp4netns", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || ftruncate(fd, LOG_SIZE) < 0 ||
		fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) < 0)
		return -errno;
	return take_fd(fd);
}

static void options_to_argv(const struct slirp_options *o, struct strv *argv)
{
	strv_add(argv, "slirp4netns");
	strv_add(argv, "--configure");
	strv_addf(argv, "--mtu=%d", o->mtu ? o->mtu : 65520);
	strv_addf(argv, "--macaddress=%s", o->mac ? o->mac : SLIRP_MAC);
	if (!o->allow_host_loopback)
		strv_add(argv, "--disable-host-loopback");
	if (o->enable_ipv6)
		strv_add(argv, "--enable-ipv6");
	strv_add(argv, "--enable-sandbox");
	strv_add(argv, "--enable-seccomp");
	if (o->api_socket)
		strv_addf(argv, "--api-socket=%s", path_base(o->api_socket));
	strv_add(argv, "--ready-fd=3");
	strv_add(argv, "--exit-fd=4");
	strv_add(argv, "--netns-type=path");
	strv_add(argv, "/proc/self/fd/5");
	strv_add(argv, "eth0");
}

static int start_error(int r, struct err *e)
{
	if (r != -ENOENT)
		return err_ctx(e, "cannot start slirp4netns");
	err_set(e, ENOENT,
		"slirp4netns, which connects containers to the network, is not installed");
	return err_hint(
		e, "install the package slirp4netns, or use --network none or --network host");
}

/* slirp4netns keeps hardly a capability, so a container that sees the host's processes could trace
 * it: read the user's environment and /run, and speak from the host's network. A process that is
 * not dumpable it cannot; and that is what one becomes by an exec that gives back, as it does to
 * root, a capability which had been put down. */
static int make_untraceable(struct err *e)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];
	const uint32_t ptrace = UINT32_C(1) << CAP_SYS_PTRACE;
	if (syscall(SYS_capget, &head, caps) < 0)
		return err_sys(e, "cannot read the capabilities");
	caps[0].effective &= ~ptrace;
	caps[0].permitted &= ~ptrace;
	return syscall(SYS_capset, &head, caps) < 0 ? err_sys(e, "cannot put down a capability")
						    : 0;
}

/* Socket paths are at most 107 bytes: slirp4netns stands in the folder of its socket. */
static int prepare(void *folder, struct err *e)
{
	if (folder && chdir(folder) < 0)
		return err_sys(e, "cannot enter %s", (char *)folder);
	return make_untraceable(e);
}

int slirp_start(const struct slirp_options *o, struct slirp *s, struct err *e)
{
	auto_strv argv = STRV_INIT;
	int ready[2], quit[2];
	*s = SLIRP_INIT;
	if (pipe2(ready, O_CLOEXEC) < 0)
		return err_sys(e, "cannot make a pipe for slirp4netns");
	auto_fd ready_r = ready[0], ready_w = ready[1];
	if (pipe2(quit, O_CLOEXEC) < 0)
		return err_sys(e, "cannot make a pipe for slirp4netns");
	auto_fd quit_r = quit[0], quit_w = quit[1];
	auto_fd log_fd = log_open();
	auto_fd null_fd = log_fd < 0 ? open("/dev/null", O_WRONLY | O_CLOEXEC) : -1;
	options_to_argv(o, &argv);
	int fds[] = {ready_w, quit_r, o->netns_fd};
	struct spawn sp = SPAWN_INIT;
	sp.file = "slirp4netns";
	sp.argv = argv.v;
	sp.fd_err = log_fd >= 0 ? log_fd : null_fd;
	sp.fds = fds;
	sp.n_fds = ARRAY_LEN(fds);
	auto_free char *folder = o->api_socket ? path_dir(o->api_socket) : NULL;
	sp.prepare = prepare;
	sp.prepare_arg = folder;
	int r = spawn_start(&sp, &s->pid, &s->pidfd, e);
	if (r < 0)
		return start_error(r, e);
	s->ready_fd = take_fd(ready_r);
	s->exit_fd = take_fd(quit_w);
	s->log_fd = take_fd(log_fd);
	s->api_socket = o->api_socket ? xstrdup(o->api_socket) : NULL;
	return 0;
}

/* Why it died: its own words, and the cure where the tun device is to blame. */
static int died(struct slirp *s, struct err *e)
{
	char text[LOG_SIZE + 1] = "";
	ssize_t n = s->log_fd >= 0 ? pread(s->log_fd, text, LOG_SIZE, 0) : 0;
	text[n > 0 ? n : 0] = '\0';
	auto_strv lines = STRV_INIT, words = STRV_INIT;
	strv_split(&lines, text, '\n');
	for (size_t k = 0; k < lines.n; k++)
		if (lines.v[k][0] && !strstr(lines.v[k], "tapfd=") &&
			!str_starts(lines.v[k], "do_slirp") && !str_starts(lines.v[k], "parent "))
			strv_add(&words, lines.v[k]);
	auto_free char *why = strv_join(&words, "; ");
	err_set(e, EIO, "slirp4netns failed: %s", *why ? why : "it ended without a word");
	auto_fd tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (tun >= 0)
		return -e->code;
	if (errno == ENOENT)
		return err_hint(e, "/dev/net/tun is missing: load the kernel module tun "
				   "(modprobe tun), or use --network none or host");
	return err_hint(e,
		"/dev/net/tun cannot be opened (%s): its mode should be 0666 (sudo chmod 666 "
		"/dev/net/tun), or use --network none or host",
		strerror(errno));
}

int slirp_wait_ready(struct slirp *s, struct err *e)
{
	char c;
	ssize_t n;
	do {
		n = read(s->ready_fd, &c, 1);
	} while (n < 0 && errno == EINTR);
	if (n != 1)
		return died(s, e);
	close(take_fd(s->ready_fd));
	return 0;
}

/* Through the folder's descriptor, for paths longer than an address may be. */
static int api_connect(const char *path, struct err *e)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	auto_free char *folder = path_dir(path);
	auto_fd dir_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return err_sys(e, "cannot open %s", folder);
	snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/%s", dir_fd, path_base(path));
	auto_fd fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return err_sys(e, "cannot connect to slirp4netns at %s", path);
	return take_fd(fd);
}

/* One request, one reply, one connection. */
static int api_call(const char *path, const char *request, struct err *e)
{
	auto_buf reply = BUF_INIT;
	auto_fd fd = api_connect(path, e);
	if (fd < 0)
		return fd;
	int r = write_all(fd, request, strlen(request));
	if (r == 0 && shutdown(fd, SHUT_WR) < 0)
		r = -errno;
	if (r == 0)
		r = read_fd(fd, REPLY_MAX, &reply);
	if (r < 0)
		return err_sysn(e, -r, "cannot talk to slirp4netns");
	auto_json j = json_parse(reply.data ? reply.data : "", reply.len, "slirp4netns's reply", e);
	if (!j)
		return -e->code;
	if (json_at(j, "return"))
		return 0;
	return err_set(e, EIO, "%s", json_str_or(j, "error/desc", "it refused without a reason"));
}

static bool host_address(const char *ip, uint16_t port, struct sockaddr_storage *a, socklen_t *len)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)a;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)a;
	*a = (struct sockaddr_storage){0};
	if (inet_pton(AF_INET, *ip ? ip : "0.0.0.0", &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		*len = sizeof(*v4);
		return true;
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	*len = sizeof(*v6);
	return inet_pton(AF_INET6, ip, &v6->sin6_addr) == 1;
}

/* A socket bound as slirp4netns will bind its own, or -errno: the API tells only that it failed,
 * not why. */
static int trial_bind(const char *ip, uint16_t port, bool is_udp)
{
	struct sockaddr_storage a;
	socklen_t len;
	int on = 1;
	if (!host_address(ip, port, &a, &len))
		return -EINVAL;
	auto_fd fd = socket(a.ss_family, (is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (!is_udp)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&a, len) < 0 || (!is_udp && listen(fd, 1) < 0))
		return -errno;
	return take_fd(fd);
}

int port_free(const char *host_ip, bool is_udp)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);
	auto_fd fd = trial_bind(host_ip, 0, is_udp);
	if (fd < 0)
		return fd;
	if (getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		return -errno;
	return ntohs(a.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&a)->sin6_port
					     : ((struct sockaddr_in *)&a)->sin_port);
}

static int bind_error(const struct port_map *p, int code, struct err *e)
{
	const char *ip = *p->host_ip ? p->host_ip : "0.0.0.0";
	const char *brackets = strchr(ip, ':') ? "[]" : "";
	auto_free char *where =
		xasprintf("%.1s%s%s:%u", brackets, ip, *brackets ? "]" : "", p->host_port);
	if (code == EADDRINUSE)
		return err_set(e, code,
			"Bind for %s failed: port is already allocated (address already in use)",
			where);
	if (code == EACCES) {
		err_set(e, code,
			"cannot expose privileged port %u: listen %s %s: bind: permission denied",
			p->host_port, p->is_udp ? "udp" : "tcp", where);
		return err_hint(e,
			"use a port from net.ipv4.ip_unprivileged_port_start on (1024 as a rule), "
			"or lower it: sudo sysctl net.ipv4.ip_unprivileged_port_start=%u",
			p->host_port);
	}
	if (code == EADDRNOTAVAIL)
		return err_set(e, code, "Bind for %s failed: this host has no such address", where);
	return err_sysn(e, code, "Bind for %s failed", where);
}

int port_bind(const struct port_map *p, struct err *e)
{
	int fd = trial_bind(p->host_ip, p->host_port, p->is_udp);
	return fd < 0 ? bind_error(p, -fd, e) : fd;
}

int slirp_publish(struct slirp *s, const struct port_map *p, struct err *e)
{
	int fd = port_bind(p, e);
	if (fd < 0)
		return fd;
	close(fd);
	auto_free char *request = xasprintf(
		"{\"execute\":\"add_hostfwd\",\"arguments\":{\"proto\":\"%s\",\"host_addr\":\"%s\","
		"\"host_port\":%u,\"guest_addr\":\"" SLIRP_ADDRESS "\",\"guest_port\":%u}}",
		p->is_udp ? "udp" : "tcp", *p->host_ip ? p->host_ip : "0.0.0.0", p->host_port,
		p->container_port);
	if (api_call(s->api_socket, request, e) < 0)
		return err_ctx(e, "cannot publish port %u", p->host_port);
	return 0;
}

void slirp_stop(struct slirp *s)
{
	scope_close(&s->exit_fd);
	scope_close(&s->pidfd);
	scope_close(&s->ready_fd);
	scope_close(&s->log_fd);
	if (s->api_socket)
		(void)unlink(s->api_socket);
	free(s->api_socket);
	*s = SLIRP_INIT;
}
