/* floor: the least set of kernel calls and set-uid helpers that makes a container like moss's, from
 * start to its init being reaped: user namespace with newuidmap and newgidmap side by side, all
 * other namespaces, an overlay of one layer, /proc, /dev with its devices, /sys, the masked and
 * read-only paths, Docker's capabilities, a filter of Docker's size, exec, exit, reap. No state,
 * no configuration, no second program: what a container costs that no engine can save.
 *
 *   floor [--no-netns] [--slirp] [--]
 *
 * --no-netns leaves the network namespace out. --slirp also starts slirp4netns and waits until it
 * is ready, but not for its end. The layer (this program, called "true" in it) is made once in
 * $TMPDIR/moss-floor-UID. Static, so that its own start costs as little as a program's can.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sendfile.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint64_t docker_caps = 0xa80425fb;

struct floor {
	bool has_netns, has_slirp;
	char home[256], upper[300], options[1024];
	int go[2], mapped[2];
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static void check(long result, const char *what)
{
	if (result < 0)
		die(what);
}

/* ---- the layer, once ---- */

static void copy_self(const char *to)
{
	struct stat st;
	int in = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	check(in < 0 || out < 0 || fstat(in, &st) < 0 ? -1 : 0, to);
	check(sendfile(out, in, NULL, (size_t)st.st_size) - st.st_size, to);
	close(in);
	close(out);
}

static void make_layer(struct floor *f)
{
	static const char *const dirs[] = {
		"", "/layer", "/layer/proc", "/layer/dev", "/layer/sys", "/layer/etc", "/merged"};
	static const char *const files[] = {"hosts", "hostname", "resolv.conf"};
	char path[512];
	const char *tmp = getenv("TMPDIR");
	snprintf(f->home, sizeof(f->home), "%s/moss-floor-%u", tmp ? tmp : "/tmp", geteuid());
	snprintf(path, sizeof(path), "%s/layer/etc/resolv.conf", f->home);
	if (access(path, F_OK) == 0)
		return;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		snprintf(path, sizeof(path), "%s%s", f->home, dirs[i]);
		check(mkdir(path, 0755) < 0 && errno != EEXIST ? -1 : 0, path);
	}
	snprintf(path, sizeof(path), "%s/layer/true", f->home);
	copy_self(path);
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/layer/etc/%s", f->home, files[i]);
		close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	}
}

static void make_upper(struct floor *f)
{
	char work[320];
	snprintf(f->upper, sizeof(f->upper), "%s/%d", f->home, (int)getpid());
	check(mkdir(f->upper, 0755), f->upper);
	snprintf(work, sizeof(work), "%s/upper", f->upper);
	check(mkdir(work, 0755), work);
	snprintf(work, sizeof(work), "%s/work", f->upper);
	check(mkdir(work, 0755), work);
	snprintf(f->options, sizeof(f->options),
		"lowerdir=%s/layer,upperdir=%s/upper,workdir=%s/work,userxattr,index=off,volatile",
		f->home, f->upper, f->upper);
}

/* ---- init ---- */

static int make_fs(const char *type, const char *const options[], unsigned attributes)
{
	int fs = fsopen(type, FSOPEN_CLOEXEC);
	check(fs, type);
	for (; options && options[0]; options += 2)
		check(fsconfig(fs, FSCONFIG_SET_STRING, options[0], options[1], 0), type);
	check(fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0), type);
	int tree = fsmount(fs, FSMOUNT_CLOEXEC, attributes);
	check(tree, type);
	close(fs);
	return tree;
}

static void attach(int tree, int at, const char *to)
{
	check(move_mount(tree, "", at, to, MOVE_MOUNT_F_EMPTY_PATH), to);
	close(tree);
}

static void bind_at(const char *from, int at, const char *to)
{
	int tree = open_tree(AT_FDCWD, from, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	check(tree, from);
	attach(tree, at, to);
}

static void fill_dev(int root)
{
	static const char *const dev_options[] = {"mode", "755", "size", "65536k", NULL};
	static const char *const pts_options[] = {"ptmxmode", "0666", "mode", "0620", NULL};
	static const char *const shm_options[] = {"mode", "1777", "size", "67108864", NULL};
	static const char *const nodes[] = {"null", "zero", "full", "random", "urandom", "tty"};
	static const char *const links[][2] = {{"/proc/self/fd", "fd"},
		{"/proc/self/fd/0", "stdin"}, {"/proc/self/fd/1", "stdout"},
		{"/proc/self/fd/2", "stderr"}, {"pts/ptmx", "ptmx"}};
	char path[32];
	attach(make_fs("tmpfs", dev_options, MOUNT_ATTR_NOSUID), root, "dev");
	int dev = openat(root, "dev", O_PATH | O_CLOEXEC);
	for (size_t i = 0; i < 6; i++) {
		close(openat(dev, nodes[i], O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
		snprintf(path, sizeof(path), "/dev/%s", nodes[i]);
		bind_at(path, dev, nodes[i]);
	}
	for (size_t i = 0; i < 5; i++)
		check(symlinkat(links[i][0], dev, links[i][1]), links[i][1]);
	check(mkdirat(dev, "pts", 0755) | mkdirat(dev, "mqueue", 0755) | mkdirat(dev, "shm", 0755),
		"/dev");
	attach(make_fs("devpts", pts_options, MOUNT_ATTR_NOSUID), dev, "pts");
	attach(make_fs("mqueue", NULL, MOUNT_ATTR_NOSUID), dev, "mqueue");
	attach(make_fs("tmpfs", shm_options, MOUNT_ATTR_NOSUID), dev, "shm");
	close(dev);
}

static void cover(int root)
{
	static const char *const readonly[] = {
		"proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger"};
	static const char *const masked[] = {
		"proc/acpi", "proc/keys", "proc/timer_list", "proc/kcore", "sys/firmware"};
	struct mount_attr ro = {.attr_set = MOUNT_ATTR_RDONLY};
	struct stat st;
	for (size_t i = 0; i < 5; i++) {
		int tree = open_tree(
			root, readonly[i], OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
		if (tree < 0 && errno == ENOENT)
			continue;
		check(tree, readonly[i]);
		check(mount_setattr(tree, "", AT_EMPTY_PATH, &ro, sizeof(ro)), readonly[i]);
		attach(tree, root, readonly[i]);
	}
	for (size_t i = 0; i < 5; i++) {
		if (fstatat(root, masked[i], &st, 0) < 0)
			continue;
		if (S_ISDIR(st.st_mode))
			attach(make_fs("tmpfs", NULL, MOUNT_ATTR_RDONLY), root, masked[i]);
		else
			bind_at("/dev/null", root, masked[i]);
	}
}

static void build_root(const struct floor *f)
{
	static const char *const etc[] = {"hosts", "hostname", "resolv.conf"};
	char path[512];
	check(mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL), "/");
	snprintf(path, sizeof(path), "%s/merged", f->home);
	check(mount("overlay", path, "overlay", 0, f->options), "overlay");
	int root = open(path, O_PATH | O_CLOEXEC);
	attach(make_fs("proc", NULL, MOUNT_ATTR_NOSUID), root, "proc");
	int port =
		openat(root, "proc/sys/net/ipv4/ip_unprivileged_port_start", O_WRONLY | O_CLOEXEC);
	if (f->has_netns)
		check(write(port, "0", 1), "sysctl");
	close(port);
	fill_dev(root);
	if (f->has_netns)
		attach(make_fs("sysfs", NULL, MOUNT_ATTR_RDONLY), root, "sys");
	for (size_t i = 0; i < 3; i++) {
		char from[512], to[64];
		snprintf(from, sizeof(from), "%s/layer/etc/%s", f->home, etc[i]);
		snprintf(to, sizeof(to), "etc/%s", etc[i]);
		bind_at(from, root, to);
	}
	cover(root);
	check(fchdir(root), "root");
	check(syscall(SYS_pivot_root, ".", "."), "pivot_root");
	check(umount2(".", MNT_DETACH), "umount");
	check(chdir("/"), "/");
	check(sethostname("floor", 5), "hostname");
}

static void load_filter(void)
{
	enum { CALLS = 330 };
	struct sock_filter code[2 * CALLS + 8];
	unsigned short n = 0;
	code[n++] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (unsigned nr = 0; nr < CALLS; nr++) {
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1);
		code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	}
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	struct sock_fprog program = {n, code};
	check(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), "seccomp");
}

static void drop_caps(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{(uint32_t)docker_caps, (uint32_t)docker_caps, 0}};
	for (int i = 0; i <= CAP_LAST_CAP; i++)
		if (!(docker_caps & (UINT64_C(1) << i)))
			check(prctl(PR_CAPBSET_DROP, i, 0, 0, 0), "capability");
	load_filter();
	check(syscall(SYS_capset, &header, data), "capset");
}

static _Noreturn void init_main(const struct floor *f)
{
	char *const argv[] = {(char *)"true", NULL};
	char *const envp[] = {NULL};
	char word;
	check(read(f->go[0], &word, 1) - 1, "parent");
	(void)setsid();
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	build_root(f);
	drop_caps();
	check(read(f->go[0], &word, 1) - 1, "parent");
	execve("/true", argv, envp);
	die("exec");
}

/* ---- the parent ---- */

/* A static program has no getpwuid worth having. */
static const char *user_name(void)
{
	static char line[256];
	FILE *in = fopen("/etc/passwd", "r");
	while (in && fgets(line, sizeof(line), in)) {
		char *name = strtok(line, ":"), *id = strtok(NULL, ":");
		id = id ? strtok(NULL, ":") : NULL;
		if (id && (unsigned)atoi(id) == geteuid()) {
			fclose(in);
			return name;
		}
	}
	if (in)
		fclose(in);
	return NULL;
}

static pid_t start_helper(const char *program, pid_t pid, unsigned id)
{
	char text[2][16];
	snprintf(text[0], sizeof(text[0]), "%d", (int)pid);
	snprintf(text[1], sizeof(text[1]), "%u", id);
	/* The user's first range, as useradd gives it. */
	const char *file = strstr(program, "gid") ? "/etc/subgid" : "/etc/subuid";
	static char start[2][16], count[2][16];
	const char *user = user_name();
	int which = strstr(program, "gid") != NULL;
	char line[256];
	FILE *in = fopen(file, "r");
	while (in && fgets(line, sizeof(line), in)) {
		char *name = strtok(line, ":"), *a = strtok(NULL, ":"), *b = strtok(NULL, "\n");
		char uid[16];
		snprintf(uid, sizeof(uid), "%u", geteuid());
		if (b && ((user && !strcmp(name, user)) || !strcmp(name, uid))) {
			snprintf(start[which], 16, "%s", a);
			snprintf(count[which], 16, "%s", b);
			break;
		}
	}
	if (in)
		fclose(in);
	if (!*start[which]) {
		fprintf(stderr, "floor: no range for %s in %s\n", user ? user : "this user", file);
		_exit(1);
	}
	pid_t child = vfork();
	if (child == 0) {
		execlp(program, program, text[0], "0", text[1], "1", "1", start[which],
			count[which], (char *)NULL);
		_exit(127);
	}
	return child;
}

static void map_ids(pid_t pid)
{
	int status[2];
	if (geteuid() == 0) {
		char path[64];
		static const char *const files[] = {"uid_map", "gid_map"};
		for (int i = 0; i < 2; i++) {
			snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, files[i]);
			int fd = open(path, O_WRONLY | O_CLOEXEC);
			check(write(fd, "0 0 65536\n", 10), path);
			close(fd);
		}
		return;
	}
	pid_t a = start_helper("newuidmap", pid, geteuid());
	pid_t b = start_helper("newgidmap", pid, getegid());
	waitpid(a, &status[0], 0);
	waitpid(b, &status[1], 0);
	if (status[0] || status[1]) {
		fprintf(stderr, "floor: newuidmap or newgidmap failed\n");
		_exit(1);
	}
}

static void start_slirp(pid_t pid)
{
	char text[16], ready[8], fd_text[8];
	int p[2];
	check(pipe(p), "pipe");
	snprintf(text, sizeof(text), "%d", (int)pid);
	snprintf(fd_text, sizeof(fd_text), "%d", p[1]);
	pid_t child = vfork();
	if (child == 0) {
		int null = open("/dev/null", O_RDWR);
		dup2(null, 1);
		dup2(null, 2);
		execlp("slirp4netns", "slirp4netns", "--configure", "--mtu=65520",
			"--disable-host-loopback", "-r", fd_text, text, "eth0", (char *)NULL);
		_exit(127);
	}
	close(p[1]);
	if (read(p[0], ready, 1) != 1) {
		fprintf(stderr, "floor: slirp4netns failed\n");
		_exit(1);
	}
	(void)kill(child, SIGKILL);
}

/* In the user namespace: the second process, as a monitor would be. */
static int run_container(struct floor *f)
{
	struct clone_args args = {
		.flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC |
			 CLONE_NEWCGROUP | (f->has_netns ? CLONE_NEWNET : 0),
		.exit_signal = SIGCHLD,
	};
	int status;
	check(pipe(f->go), "pipe");
	check(setresgid(0, 0, 0) | setresuid(0, 0, 0), "ids");
	make_upper(f);
	long pid = syscall(SYS_clone3, &args, sizeof(args));
	check(pid, "clone3");
	if (pid == 0)
		init_main(f);
	check(write(f->go[1], "g", 1), "go");
	if (f->has_slirp)
		start_slirp((pid_t)pid);
	check(write(f->go[1], "g", 1), "go");
	check(waitpid((pid_t)pid, &status, 0), "wait");
	/* As an engine does it: behind the back of whoever waits. */
	if (vfork() == 0) {
		execlp("rm", "rm", "-rf", f->upper, (char *)NULL);
		_exit(127);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
	struct floor f = {.has_netns = true};
	char word;
	int status, unshared[2];
	if (!strcmp(argv[0], "true"))
		return 0;
	for (int i = 1; i < argc; i++) {
		f.has_netns &= strcmp(argv[i], "--no-netns") != 0;
		f.has_slirp |= !strcmp(argv[i], "--slirp");
	}
	make_layer(&f);
	check(pipe(f.mapped), "pipe");
	check(pipe(unshared), "pipe");
	pid_t pid = fork();
	check(pid, "fork");
	if (pid == 0) {
		check(unshare(CLONE_NEWUSER), "unshare");
		check(write(unshared[1], "u", 1), "pipe");
		check(read(f.mapped[0], &word, 1) - 1, "pipe");
		_exit(run_container(&f));
	}
	check(read(unshared[0], &word, 1) - 1, "pipe");
	map_ids(pid);
	check(write(f.mapped[1], "m", 1), "pipe");
	check(waitpid(pid, &status, 0), "wait");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
