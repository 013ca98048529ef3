#include "engine/rootview_internal.h"
#include "base/err.h"
#include "engine/caps.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BIT(n) (UINT64_C(1) << (n))
static const uint64_t kept = BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) |
			     BIT(CAP_FOWNER) | BIT(CAP_FSETID) | BIT(CAP_MKNOD) | BIT(CAP_SETFCAP);

/* A hand-made filter: a few comparisons that cost nothing to set up. The process's code and input
 * are the defence; this is what is left where that fails. */
// clang-format off
static const unsigned refused[] = {
	SYS_execve, SYS_execveat, SYS_clone, SYS_clone3, SYS_socket, SYS_socketpair, SYS_connect,
	SYS_bind, SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_pidfd_getfd,
	SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_setns, SYS_unshare, SYS_fsopen,
	SYS_fsmount, SYS_fspick, SYS_move_mount, SYS_open_tree, SYS_mount_setattr, SYS_keyctl,
	SYS_add_key, SYS_request_key, SYS_bpf, SYS_perf_event_open, SYS_io_uring_setup,
	SYS_userfaultfd, SYS_open_by_handle_at, SYS_init_module, SYS_finit_module, SYS_setuid,
	SYS_setresuid, SYS_setreuid, SYS_capset,
#ifdef SYS_fork
	SYS_fork, SYS_vfork,
#endif
};
// clang-format on

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
enum { FOREIGN_CALLS = 0x40000000 };
#elif defined(__aarch64__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
enum { FOREIGN_CALLS = 0x7fffffff };
#elif defined(__riscv)
#define OUR_ARCH AUDIT_ARCH_RISCV64
enum { FOREIGN_CALLS = 0x7fffffff };
#endif

#ifdef OUR_ARCH
static int filter_calls(struct err *e)
{
	enum { N = sizeof(refused) / sizeof(refused[0]) };
	struct sock_filter code[N + 8];
	unsigned short n = 0;
	code[n++] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	code[n++] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	code[n++] = (struct sock_filter)BPF_JUMP(
		BPF_JMP | BPF_JGE | BPF_K, FOREIGN_CALLS, (unsigned char)(N + 1), 0);
	for (unsigned i = 0; i < N; i++)
		code[n++] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, refused[i], (unsigned char)(N - i), 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	const struct sock_fprog program = {.len = n, .filter = code};
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return err_sys(e, "cannot confine the process: system call filter");
	return 0;
}
#else
static int filter_calls(struct err *e)
{
	(void)e;
	return 0;
}
#endif

int rootview_confine(struct err *e)
{
	if (prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, "cannot confine the process");
	int r = caps_drop_bounding(kept, e);
	if (r == 0)
		r = caps_set(kept, kept, 0, e);
	return r < 0 ? r : filter_calls(e);
}
