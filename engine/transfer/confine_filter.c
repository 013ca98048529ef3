#include "engine/transfer/confine_internal.h"
#include "base/err.h"
#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/landlock.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What an unpacker and the libraries below it do; all else fails with EPERM. */
static const char *const unpacker_calls[] = {
	// clang-format off
	"brk", "madvise", "membarrier", "mmap", "mprotect", "mremap", "munmap",
	"clock_getres", "clock_gettime", "clock_nanosleep", "gettimeofday", "nanosleep", "time",
	"exit", "exit_group", "futex", "get_robust_list", "rseq", "sched_getaffinity",
	"sched_yield", "set_robust_list", "set_tid_address", "restart_syscall",
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack",
	"getegid", "geteuid", "getgid", "getpid", "getrandom", "gettid", "getuid", "sysinfo", "uname",
	"getrlimit", "umask",
	"close", "dup", "eventfd2", "fadvise64", "fallocate", "fstat", "fstatfs",
	"copy_file_range", "ftruncate", "lseek", "newfstatat", "poll", "ppoll", "pread64", "pwrite64", "read", "readv",
	"statx", "sync_file_range", "write", "writev",
	"recvmsg", "sendmsg",
	"fchmod", "fchmodat", "fchmodat2", "fchown", "fchownat", "fgetxattr", "flistxattr",
	"fremovexattr", "fsetxattr", "getdents64", "linkat", "mkdirat", "mknodat", "openat", "openat2",
	"readlinkat", "renameat", "renameat2", "symlinkat", "unlinkat", "utimensat",
	// clang-format on
};

/* What a process that speaks HTTPS never needs. */
static const char *const fetcher_refused[] = {
	// clang-format off
	"execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev",
	"process_madvise", "pidfd_getfd", "pidfd_open", "pidfd_send_signal", "kcmp", "kill", "tkill",
	"mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen", "fsconfig",
	"fsmount", "fspick", "mount_setattr", "unshare", "setns", "open_by_handle_at",
	"name_to_handle_at",
	"chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "lchown", "fchown", "fchownat",
	"utime", "utimes", "futimesat", "utimensat", "setxattr", "lsetxattr", "fsetxattr",
	"setxattrat", "removexattr", "lremovexattr", "fremovexattr",
	"mknod", "mknodat", "link", "linkat", "symlink", "symlinkat", "rename", "renameat",
	"renameat2", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir",
	"add_key", "keyctl", "request_key", "bpf", "perf_event_open", "userfaultfd",
	"io_uring_setup", "io_uring_enter", "io_uring_register", "fanotify_init",
	"setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "capset",
	"setpriority", "sched_setaffinity", "sched_setattr", "sched_setparam",
	"sched_setscheduler", "ioprio_set", "migrate_pages", "move_pages", "process_mrelease",
	"rt_sigqueueinfo", "rt_tgsigqueueinfo",
	"personality", "swapon", "swapoff", "reboot", "sethostname", "setdomainname", "syslog",
	"init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "acct",
	"quotactl", "quotactl_fd", "bind", "listen", "accept", "accept4", "shmget", "semget",
	"msgget", "iopl", "ioperm", "clock_settime", "settimeofday", "adjtimex", "clock_adjtime",
	// clang-format on
};

static int cannot(struct err *e, int r)
{
	return err_sysn(e, r < 0 ? -r : errno, "cannot confine the process: system call filter");
}

/* New threads, but no processes; clone3's flags cannot be looked at, and the C library does
 * without it. */
static int only_threads(scmp_filter_ctx f, uint32_t else_action)
{
	struct scmp_arg_cmp thread = SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD);
	struct scmp_arg_cmp process = SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0);
	int r = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (r == 0 && else_action == SCMP_ACT_ALLOW)
		return seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, process);
	return r == 0 ? seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, thread) : r;
}

static int add_calls(scmp_filter_ctx f, uint32_t action, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int nr = seccomp_syscall_resolve_name(names[i]);
		/* Unknown to this library or this architecture: then there is no such call. */
		if (nr < 0)
			continue;
		int r = seccomp_rule_add(f, action, nr, 0);
		if (r < 0)
			return r;
	}
	return 0;
}

/* All processes of the user have its uid, and no pid namespace hides them: without this it could
 * send them signals, also by way of a descriptor's owner, and change their limits. abort and raise
 * send to the process itself. */
static int only_itself_listed(scmp_filter_ctx f)
{
	static const unsigned orders[] = {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL,
		F_SETFL, F_GETLK, F_SETLK, F_SETLKW, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW,
		F_SETPIPE_SZ, F_GETPIPE_SZ, F_ADD_SEALS, F_GET_SEALS};
	int r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
		SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(orders); i++)
		r = seccomp_rule_add(
			f, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, SCMP_A1(SCMP_CMP_EQ, orders[i]));
	return r;
}

static int only_itself(scmp_filter_ctx f)
{
	static const unsigned orders[] = {F_SETOWN, F_SETOWN_EX, F_SETSIG};
	static const unsigned requests[] = {FIOSETOWN, SIOCSPGRP};
	const uint32_t refuse = SCMP_ACT_ERRNO(EPERM);
	int r = seccomp_rule_add(
		f, refuse, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_NE, (scmp_datum_t)getpid()));
	if (r == 0)
		r = seccomp_rule_add(f, refuse, SCMP_SYS(prlimit64), 1, SCMP_A0(SCMP_CMP_NE, 0));
	/* The kernel looks at the lower half of these numbers only. */
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(orders); i++)
		r = seccomp_rule_add(f, refuse, SCMP_SYS(fcntl), 1,
			SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, orders[i]));
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(requests); i++)
		r = seccomp_rule_add(f, refuse, SCMP_SYS(ioctl), 1,
			SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, requests[i]));
	return r;
}

int filter_unpacker(struct err *e)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!f)
		return cannot(e, -ENOMEM);
	int r = seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (r == 0)
		r = add_calls(f, SCMP_ACT_ALLOW, unpacker_calls, ARRAY_LEN(unpacker_calls));
	if (r == 0)
		r = only_threads(f, SCMP_ACT_ERRNO(EPERM));
	/* Sharing the blocks of files: the only orders to a descriptor. */
	if (r == 0)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
			SCMP_A1(SCMP_CMP_EQ, (uint32_t)FICLONE));
	if (r == 0)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
			SCMP_A1(SCMP_CMP_EQ, (uint32_t)FIDEDUPERANGE));
	/* Reading a limit is how the size of a thread's stack is found. */
	if (r == 0)
		r = seccomp_rule_add(
			f, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, SCMP_A2(SCMP_CMP_EQ, 0));
	if (r == 0)
		r = only_itself_listed(f);
	if (r == 0)
		r = seccomp_load(f);
	seccomp_release(f);
	return r < 0 ? cannot(e, r) : 0;
}

/* Sockets to the Internet, and what the resolver asks the kernel about its addresses. No Unix
 * sockets: abstract ones are not hidden by mounts. */
static int only_internet(scmp_filter_ctx f)
{
	int r = seccomp_rule_add(f, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
		SCMP_A0(SCMP_CMP_LT, AF_INET));
	if (r == 0)
		r = seccomp_rule_add(f, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
			SCMP_A0(SCMP_CMP_GT, AF_NETLINK));
	for (unsigned family = AF_INET + 1; r == 0 && family < AF_NETLINK; family++)
		if (family != AF_INET6)
			r = seccomp_rule_add(f, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
				SCMP_A0(SCMP_CMP_EQ, family));
	return r;
}

/* Typing into the user's terminal. The kernel looks at the lower half of the number only. */
static int no_typing(scmp_filter_ctx f)
{
	static const unsigned long refused[] = {TIOCSTI, TIOCLINUX};
	int r = 0;
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(refused); i++)
		r = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
			SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, refused[i]));
	return r;
}

int filter_fetcher(struct err *e)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	if (!f)
		return cannot(e, -ENOMEM);
	int r = add_calls(f, SCMP_ACT_ERRNO(EPERM), fetcher_refused, ARRAY_LEN(fetcher_refused));
	if (r == 0)
		r = only_threads(f, SCMP_ACT_ALLOW);
	if (r == 0)
		r = only_internet(f);
	if (r == 0)
		r = no_typing(f);
	if (r == 0)
		r = only_itself(f);
	if (r == 0)
		r = seccomp_load(f);
	seccomp_release(f);
	return r < 0 ? cannot(e, r) : 0;
}

/* ---- Landlock ---- */

#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

enum { FIRST_RIGHTS = 13 }; /* of the first version: EXECUTE ... MAKE_SYM */

int landlock_restrict(const struct landlock_folder *folders, size_t n, struct err *e)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 1)
		return 0;
	struct landlock_ruleset_attr attr = {.handled_access_fs = (1ULL << FIRST_RIGHTS) - 1};
	if (abi >= 2)
		attr.handled_access_fs |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		attr.handled_access_fs |= LANDLOCK_ACCESS_FS_TRUNCATE;
	auto_fd rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (rules < 0)
		return err_sys(e, "cannot confine the process: Landlock");
	const uint64_t reading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
				 LANDLOCK_ACCESS_FS_EXECUTE;
	const uint64_t writing = attr.handled_access_fs & ~LANDLOCK_ACCESS_FS_EXECUTE;
	for (size_t i = 0; i < n; i++) {
		struct landlock_path_beneath_attr beneath = {
			.allowed_access = folders[i].may_write ? writing : reading,
			.parent_fd = folders[i].fd,
		};
		if (folders[i].fd >= 0 && syscall(SYS_landlock_add_rule, rules,
						  LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) < 0)
			return err_sys(e, "cannot confine the process: Landlock");
	}
	if (syscall(SYS_landlock_restrict_self, rules, 0) < 0)
		return err_sys(e, "cannot confine the process: Landlock");
	return 0;
}
