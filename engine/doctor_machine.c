/* Checks of the machine: kernel, devices, programs, cgroups. */
#include "engine/doctor_internal.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* mount_setattr, the newest call without which no container starts. */
enum { KERNEL_MAJOR = 5, KERNEL_MINOR = 12 };

void check_kernel(const struct patient *p, struct diagnosis *d)
{
	struct utsname u;
	int major = 0, minor = 0;
	(void)p;
	if (uname(&u) < 0 || sscanf(u.release, "%d.%d", &major, &minor) != 2) {
		say(d, FINDING_NOTE, "cannot tell which it is");
		return;
	}
	if (major > KERNEL_MAJOR || (major == KERNEL_MAJOR && minor >= KERNEL_MINOR)) {
		say_ok(d, "Linux %s", u.release);
		return;
	}
	say(d, FINDING_FAILURE, "Linux %s is too old: %d.%d or newer is needed", u.release,
		KERNEL_MAJOR, KERNEL_MINOR);
	say_install(d, "--upgrade linux-image-amd64", "kernel");
}

/* module: what makes the device appear. */
static void check_device(struct diagnosis *d, const char *path, const char *module,
	enum finding worst, const char *what)
{
	auto_fd fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0) {
		say_ok(d, "can be opened");
	} else if (errno == ENOENT || errno == ENODEV || errno == ENXIO) {
		say(d, worst, "missing: %s", what);
		say_cure(d, "sudo modprobe %s", module);
	} else {
		say(d, worst, "cannot be opened (%s): %s", strerror(errno), what);
		say_cure(d, "sudo chmod 666 %s", path);
	}
}

void check_fuse(const struct patient *p, struct diagnosis *d)
{
	(void)p;
	check_device(d, "/dev/fuse", "fuse", FINDING_NOTE, "fuse-overlayfs cannot be used");
}

void check_tun(const struct patient *p, struct diagnosis *d)
{
	(void)p;
	check_device(d, "/dev/net/tun", "tun", FINDING_FAILURE,
		"containers can have no network of their own, only --network none or host");
}

void check_slirp(const struct patient *p, struct diagnosis *d)
{
	(void)p;
	auto_free char *file = doctor_program("slirp4netns");
	if (file) {
		say_ok(d, "%s", file);
		return;
	}
	say(d, FINDING_FAILURE,
		"not installed: containers can have no network of their own, only --network none "
		"or host");
	say_install(d, "slirp4netns", "slirp4netns");
}

static void name_controllers(unsigned available, struct buf *out)
{
	static const struct {
		unsigned bit;
		const char *name;
	} all[] = {{CGROUP_MEMORY, "memory"}, {CGROUP_CPU, "cpu"}, {CGROUP_CPUSET, "cpuset"},
		{CGROUP_PIDS, "pids"}, {CGROUP_IO, "io"}};
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (available & all[i].bit)
			buf_printf(out, "%s%s", out->len ? ", " : "", all[i].name);
}

void check_cgroup(const struct patient *p, struct diagnosis *d)
{
	if (!cgroup_is_unified()) {
		say(d, FINDING_NOTE,
			"the old tree (version 1): limits on memory, processors and processes are "
			"not "
			"applied");
		if (p->has_systemd)
			say_cure(d, "sudo grubby --update-kernel=ALL "
				    "--args=systemd.unified_cgroup_hierarchy=1");
		return;
	}
	unsigned available = cgroup_available();
	if (available & CGROUP_MEMORY && available & CGROUP_CPU && available & CGROUP_PIDS) {
		auto_buf names = BUF_INIT;
		name_controllers(available, &names);
		say_ok(d, "version 2, and ours to use: %s", names.data);
		return;
	}
	auto_free char *own = cgroup_own();
	if (available) {
		auto_buf names = BUF_INIT;
		name_controllers(available, &names);
		say(d, FINDING_NOTE, "version 2, with only %s for limits", names.data);
	} else {
		say(d, FINDING_NOTE,
			"version 2, but without controllers for %s: limits are not applied to "
			"containers that are started from here",
			own ? own : "us");
	}
	if (p->has_systemd)
		say_cure(d,
			"sudo install -D /dev/stdin "
			"/etc/systemd/system/user@.service.d/delegate.conf "
			"<<< $'[Service]\\nDelegate=cpu cpuset io memory pids' && sudo systemctl "
			"daemon-reload && systemd-run --user --scope -p Delegate=yes $SHELL");
}

void check_ports(const struct patient *p, struct diagnosis *d)
{
	long first;
	if (p->uid == 0 ||
		!doctor_number("/proc/sys/net/ipv4/ip_unprivileged_port_start", &first) ||
		first <= 80) {
		say_ok(d, "port 80 can be published");
		return;
	}
	say(d, FINDING_NOTE, "ports below %ld cannot be published", first);
	say_cure(d, "sudo sysctl -w net.ipv4.ip_unprivileged_port_start=80");
}
