#include "engine/seccomp_profile.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <sched.h>

/* Names that a machine or library does not have are passed over when the filter is compiled, so
 * the lists hold those of every machine. */
// clang-format off
static const char always[] =
	"accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir "
	"chmod chown chown32 clock_adjtime clock_adjtime64 clock_getres "
	"clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep "
	"clock_nanosleep_time64 close close_range connect copy_file_range creat dup dup2 "
	"dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 "
	"epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit exit_group "
	"faccessat faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark fchdir "
	"fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64 fdatasync "
	"fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat fstat64 fstatat64 "
	"fstatfs fstatfs64 fsync ftruncate ftruncate64 futex futex_requeue futex_time64 "
	"futex_wait futex_waitv futex_wake futimesat getcpu getcwd getdents getdents64 "
	"getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 "
	"getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom "
	"getresgid getresgid32 getresuid getresuid32 getrlimit get_robust_list getrusage "
	"getsid getsockname getsockopt get_thread_area gettid gettimeofday getuid "
	"getuid32 getxattr inotify_add_watch inotify_init inotify_init1 inotify_rm_watch "
	"io_cancel ioctl io_destroy io_getevents io_pgetevents io_pgetevents_time64 "
	"ioprio_get ioprio_set io_setup io_submit ipc kill landlock_add_rule "
	"landlock_create_ruleset landlock_restrict_self lchown lchown32 lgetxattr link "
	"linkat listen listxattr llistxattr _llseek lremovexattr lseek lsetxattr lstat "
	"lstat64 madvise map_shadow_stack membarrier memfd_create memfd_secret mincore "
	"mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap mmap2 mprotect "
	"mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 "
	"mq_timedsend mq_timedsend_time64 mq_unlink mremap msgctl msgget msgrcv msgsnd "
	"msync munlock munlockall munmap name_to_handle_at nanosleep newfstatat "
	"_newselect open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2 "
	"pkey_alloc pkey_free pkey_mprotect poll ppoll ppoll_time64 prctl pread64 preadv "
	"preadv2 prlimit64 process_mrelease process_vm_readv process_vm_writev pselect6 "
	"pselect6_time64 ptrace pwrite64 pwritev pwritev2 read readahead readlink "
	"readlinkat readv recv recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages "
	"removexattr rename renameat renameat2 restart_syscall rmdir rseq rt_sigaction "
	"rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend "
	"rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_getaffinity "
	"sched_getattr sched_getparam sched_get_priority_max sched_get_priority_min "
	"sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 "
	"sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield "
	"seccomp select semctl semget semop semtimedop semtimedop_time64 send sendfile "
	"sendfile64 sendmmsg sendmsg sendto setfsgid setfsgid32 setfsuid setfsuid32 "
	"setgid setgid32 setgroups setgroups32 setitimer setpgid setpriority setregid "
	"setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 "
	"setrlimit set_robust_list setsid setsockopt set_thread_area set_tid_address "
	"setuid setuid32 setxattr shmat shmctl shmdt shmget shutdown sigaltstack signalfd "
	"signalfd4 sigprocmask sigreturn socketcall socketpair splice stat stat64 statfs "
	"statfs64 statx symlink symlinkat sync sync_file_range syncfs sysinfo tee tgkill "
	"time timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 "
	"timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 "
	"timerfd_settime timerfd_settime64 times tkill truncate truncate64 ugetrlimit "
	"umask uname unlink unlinkat utime utimensat utimensat_time64 utimes vfork "
	"vmsplice wait4 waitid waitpid write writev";

static const struct {
	const char *cap, *calls;
} with_cap[] = {
	{"CAP_DAC_READ_SEARCH",
		"open_by_handle_at"},
	{"CAP_SYS_ADMIN",
		"bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie "
		"mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd "
		"setdomainname sethostname setns syslog umount umount2 unshare"},
	{"CAP_SYS_BOOT",
		"reboot"},
	{"CAP_SYS_CHROOT",
		"chroot"},
	{"CAP_SYS_MODULE",
		"delete_module init_module finit_module"},
	{"CAP_SYS_PACCT",
		"acct"},
	{"CAP_SYS_PTRACE",
		"kcmp pidfd_getfd process_madvise"},
	{"CAP_SYS_RAWIO",
		"iopl ioperm"},
	{"CAP_SYS_TIME",
		"settimeofday stime clock_settime clock_settime64"},
	{"CAP_SYS_TTY_CONFIG",
		"vhangup"},
	{"CAP_SYS_NICE",
		"get_mempolicy mbind set_mempolicy set_mempolicy_home_node"},
	{"CAP_SYSLOG",
		"syslog"},
	{"CAP_BPF",
		"bpf"},
	{"CAP_PERFMON",
		"perf_event_open"},
};
// clang-format on

#if defined(__x86_64__)
static const char machine_calls[] = "arch_prctl modify_ldt";
static const char machine_arches[] = "SCMP_ARCH_X86_64 SCMP_ARCH_X86 SCMP_ARCH_X32";
#elif defined(__aarch64__)
static const char machine_calls[] =
	"arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls";
static const char machine_arches[] = "SCMP_ARCH_AARCH64 SCMP_ARCH_ARM";
#else
static const char machine_calls[] = "";
static const char machine_arches[] = "";
#endif

static void add_names(json_t *to, const char *names)
{
	auto_strv parts = STRV_INIT;
	strv_split(&parts, names, ' ');
	for (size_t i = 0; i < parts.n; i++)
		if (*parts.v[i])
			json_array_append_new(to, json_string(parts.v[i]));
}

static json_t *add_rule(json_t *rules, const char *names, const char *action)
{
	json_t *rule = json_object(), *list = json_array();
	add_names(list, names);
	json_set(rule, "names", list);
	json_set_str(rule, "action", action);
	json_array_append_new(rules, rule);
	return rule;
}

static void add_condition(json_t *rule, int64_t value, int64_t two, const char *op)
{
	json_t *list = json_array(), *condition = json_object();
	json_set_int(condition, "index", 0);
	json_set_int(condition, "value", value);
	json_set_int(condition, "valueTwo", two);
	json_set_str(condition, "op", op);
	json_array_append_new(list, condition);
	json_set(rule, "args", list);
}

/* Namespaces are for those with CAP_SYS_ADMIN. clone3 has its flags in memory, where a filter
 * cannot look: ENOSYS makes libc fall back to clone. */
static void add_clone(json_t *rules)
{
	const int64_t namespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
				   CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
	add_condition(
		add_rule(rules, "clone", "SCMP_ACT_ALLOW"), namespaces, 0, "SCMP_CMP_MASKED_EQ");
	json_set_int(add_rule(rules, "clone3", "SCMP_ACT_ERRNO"), "errnoRet", ENOSYS);
}

/* Not AF_VSOCK: it would reach past the virtual machine. The kernel looks at the lower half of the
 * argument only, so "not equal" would let it through with any bit set in the upper half: allowed is
 * what differs from it in one of the bits that a family can have. */
static void add_socket(json_t *rules)
{
	const int64_t vsock = 40, families = 64;
	for (int64_t bit = 1; bit < families; bit <<= 1)
		add_condition(add_rule(rules, "socket", "SCMP_ACT_ALLOW"), bit, ~vsock & bit,
			"SCMP_CMP_MASKED_EQ");
}

json_t *seccomp_default_profile(const struct strv *caps)
{
	static const int64_t personalities[] = {0, 0x8, 0x20000, 0x20008, 0xffffffff};
	json_t *profile = json_object(), *arches = json_array(), *rules = json_array();
	json_set_str(profile, "defaultAction", "SCMP_ACT_ERRNO");
	json_set_int(profile, "defaultErrnoRet", EPERM);
	add_names(arches, machine_arches);
	json_set(profile, "architectures", arches);
	add_rule(rules, always, "SCMP_ACT_ALLOW");
	add_rule(rules, machine_calls, "SCMP_ACT_ALLOW");
	add_socket(rules);
	for (size_t i = 0; i < ARRAY_LEN(personalities); i++)
		add_condition(add_rule(rules, "personality", "SCMP_ACT_ALLOW"), personalities[i], 0,
			"SCMP_CMP_EQ");
	for (size_t i = 0; i < ARRAY_LEN(with_cap); i++)
		if (strv_has(caps, with_cap[i].cap))
			add_rule(rules, with_cap[i].calls, "SCMP_ACT_ALLOW");
	if (!strv_has(caps, "CAP_SYS_ADMIN"))
		add_clone(rules);
	json_set(profile, "syscalls", rules);
	return profile;
}
