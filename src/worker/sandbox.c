/*
 * In builds with AddressSanitizer only no_new_privs is used: the sanitizer maps terabytes, opens
 * files to report and stops its own process to look for leaks.
 */
#include "worker/sandbox.h"

#include "wire/message.h"
#include "worker/forward.h"

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#ifdef __linux__

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MEMORY_MAX (256ul * 1024 * 1024) /* bytes of address space; libssh takes data beyond its window */
#define FDS_MAX    (32 + FORWARDS_MAX)

/* ---- Landlock: the constants are given here because older headers lack them ---- */

struct landlock_rules { /* struct landlock_ruleset_attr of ABI 6 */
        uint64_t handled_access_fs;
        uint64_t handled_access_net;
        uint64_t scoped;
};

#define LANDLOCK_CREATE_RULESET_CALL 444
#define LANDLOCK_RESTRICT_SELF_CALL  446
#define LANDLOCK_VERSION_FLAG        1u
#define LANDLOCK_FS_ABI_1            0x1FFFu /* execute … make_sym */
#define LANDLOCK_FS_REFER            0x2000u /* ABI 2 */
#define LANDLOCK_FS_TRUNCATE         0x4000u /* ABI 3 */
#define LANDLOCK_FS_IOCTL_DEV        0x8000u /* ABI 5 */
#define LANDLOCK_NET_TCP             0x3u    /* ABI 4: bind, connect */
#define LANDLOCK_SCOPE_ALL           0x3u    /* ABI 6: abstract sockets, signals */

static uint32_t enter_landlock(void)
{
        struct landlock_rules rules = { .handled_access_fs = LANDLOCK_FS_ABI_1 };
        size_t size = sizeof rules.handled_access_fs;
        long abi = syscall(LANDLOCK_CREATE_RULESET_CALL, NULL, 0, LANDLOCK_VERSION_FLAG);

        if (abi < 1)
                return 0;
        if (abi >= 2)
                rules.handled_access_fs |= LANDLOCK_FS_REFER;
        if (abi >= 3)
                rules.handled_access_fs |= LANDLOCK_FS_TRUNCATE;
        if (abi >= 5)
                rules.handled_access_fs |= LANDLOCK_FS_IOCTL_DEV;
        if (abi >= 4) {
                rules.handled_access_net = LANDLOCK_NET_TCP;
                size = offsetof(struct landlock_rules, scoped);
        }
        if (abi >= 6) {
                rules.scoped = LANDLOCK_SCOPE_ALL;
                size = sizeof rules;
        }
        long fd = syscall(LANDLOCK_CREATE_RULESET_CALL, &rules, size, 0);
        if (fd < 0)
                return 0;
        long result = syscall(LANDLOCK_RESTRICT_SELF_CALL, fd, 0);
        (void)close((int)fd);
        return result == 0 ? WIRE_SANDBOX_LANDLOCK : 0;
}

/* ---- seccomp ---- */

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#endif

#ifdef OUR_ARCH
static const int allowed_calls[] = {
        SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_sendto, SYS_recvfrom, SYS_sendmsg,
        SYS_recvmsg, SYS_ppoll, SYS_close, SYS_mmap, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_brk,
        SYS_madvise, SYS_futex, SYS_clock_gettime, SYS_gettimeofday, SYS_getrandom, SYS_getpid,
        SYS_gettid, SYS_tgkill, SYS_rt_sigreturn, SYS_rt_sigprocmask, SYS_rt_sigaction, SYS_fcntl,
        SYS_exit_group, SYS_exit, SYS_nanosleep, SYS_clock_nanosleep, SYS_getsockopt,
        SYS_setsockopt, SYS_getpeername, SYS_getsockname, SYS_shutdown, SYS_restart_syscall,
        SYS_newfstatat, SYS_fstat, SYS_munlock, SYS_mlock,
#ifdef SYS_poll
        SYS_poll,
#endif
#ifdef SYS_time
        SYS_time,
#endif
};
#define ALLOWED_COUNT (sizeof allowed_calls / sizeof allowed_calls[0])

/*
 * arch == ours ? : kill;  nr == each allowed one ? allow;  else EPERM.
 * Jumps are forward counts of at most 255 instructions; the table is far shorter.
 */
static uint32_t enter_seccomp(void)
{
        struct sock_filter code[ALLOWED_COUNT + 6];
        size_t n = 0;

        code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                                 offsetof(struct seccomp_data, arch));
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                                 offsetof(struct seccomp_data, nr));
        for (size_t i = 0; i < ALLOWED_COUNT; i++)
                code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                                                         (uint32_t)allowed_calls[i],
                                                         (uint8_t)(ALLOWED_COUNT - i), 0);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);

        struct sock_fprog program = { .len = (unsigned short)n, .filter = code };
        return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 ? WIRE_SANDBOX_SECCOMP : 0;
}
#else
static uint32_t enter_seccomp(void)
{
        return 0;
}
#endif

/* ---- limits ---- */

static bool limit(int resource, rlim_t most)
{
        struct rlimit rlimit = { most, most };

        return setrlimit((__rlimit_resource_t)resource, &rlimit) == 0;
}

static uint32_t enter_limits(void)
{
        bool ok = limit(RLIMIT_CORE, 0);

        ok = limit(RLIMIT_NOFILE, FDS_MAX) && ok;
        ok = limit(RLIMIT_NPROC, 0) && ok;
        ok = limit(RLIMIT_AS, MEMORY_MAX) && ok;
        return ok ? WIRE_SANDBOX_RLIMITS : 0;
}

uint32_t sandbox_enter(void)
{
        uint32_t in_force = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? WIRE_SANDBOX_NO_NEW_PRIVS : 0;

        if (SANITIZED)
                return in_force;
        (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* no ptrace, no core; refused: nothing lost */
        in_force |= enter_limits();
        in_force |= enter_landlock();
        return in_force | enter_seccomp();
}

#else /* not Linux: there is none, and the log says so */

uint32_t sandbox_enter(void)
{
        return 0;
}

#endif
