// The part of glibc and Linux that a node needs. Where C offers a macro or a variadic
// function, which Swift cannot import, a `scrap_` function of the same meaning stands in.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <malloc.h>
#include <netdb.h>
#include <nss.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <syslog.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static inline int scrap_errno(void) { return errno; }

// open(2), fcntl(2), ioctl(2) and prctl(2) are variadic.
static inline int scrap_open(const char *path, int flags) { return open(path, flags | O_CLOEXEC); }
static inline int scrap_close_on_exec(int fd) { return fcntl(fd, F_SETFD, FD_CLOEXEC); }
// Which of the standard descriptors whoever started us has closed: what is opened next would be taken
// for them. Reading and writing them still fails.
static inline void scrap_open_standard(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0) open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}
static inline int scrap_set_nonblocking(int fd) {
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}
static inline int scrap_window_size(int fd, struct winsize *size) {
    return ioctl(fd, TIOCGWINSZ, size);
}
static inline int scrap_die_with_parent(int signal) { return prctl(PR_SET_PDEATHSIG, signal); }

// Whoever loses its parent below us becomes our child.
static inline int scrap_adopt_orphans(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1); }

static inline int scrap_read_number(const char *path, const char *format, int otherwise) {
    FILE *file = fopen(path, "re");
    int number = otherwise;
    if (file && fscanf(file, format, &number) != 1) number = otherwise;
    if (file) fclose(file);
    return number;
}
// SIGKILL to every child of this process that wait(2) knows under one of the numbers after ours, up
// to the last that was given to anybody (proc(5), loadavg), or under any: a child is younger than we
// are, but numbers begin anew. /proc need not show it for that.
static inline void scrap_kill_children_by_number(int any) {
    int end = scrap_read_number("/proc/sys/kernel/pid_max", "%d", 1 << 22);
    int last = scrap_read_number("/proc/loadavg", "%*s %*s %*s %*s %d", end - 1);
    int first = any ? 1 : getpid();
    for (int child = first; child != (any ? end : last + 1); child++) {
        siginfo_t info;
        if (waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
            kill(child, SIGKILL);
        if (child >= end) child = 0;
    }
}

// SIGKILL to every child of this process: those that proc(5) lists in `children`, where the kernel
// has that file. Not those that /proc shows: the unit's ProtectProc=invisible hides from us what is
// not dumpable.
static inline void scrap_kill_children(int any) {
    FILE *list = fopen("/proc/thread-self/children", "re");
    int child;
    if (!list) {
        scrap_kill_children_by_number(any);
        return;
    }
    while (fscanf(list, "%d", &child) == 1) kill(child, SIGKILL);
    fclose(list);
}

// What top(1) and ps(1) -o comm show; 15 bytes at most.
static inline int scrap_name_process(const char *name) { return prctl(PR_SET_NAME, name); }

// Swift keeps fork(2) from us, for it is not for a process with threads. Ours has none yet.
static inline pid_t scrap_fork(void) { return fork(); }

// A program with its signals unblocked and at a lower priority. Not posix_spawn(3), which knows no
// nice(2). Returns 0 or an errno, that of execve(2) included. For a
// process without threads, all of whose signals are blocked.
extern int pipe2(int *ends, int flags);
static inline int scrap_spawn_nice(pid_t *pid, char *const *words, char *const *environment,
                                   int nicer) {
    int why[2], code = 0;
    if (pipe2(why, O_CLOEXEC) != 0) return errno;
    pid_t child = fork();
    if (child == 0) {
        sigset_t none;
        sigemptyset(&none);
        // Where a filter forbids it, the job runs all the same.
        setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + nicer);
        sigprocmask(SIG_SETMASK, &none, NULL);
        execve(words[0], words, environment);
        code = errno;
        if (write(why[1], &code, sizeof code) < 0) _exit(126);
        _exit(127);
    }
    if (child < 0) code = errno;
    close(why[1]);
    // Nothing, when execve closed the other end.
    if (child > 0 && read(why[0], &code, sizeof code) > 0) waitpid(child, NULL, 0);
    close(why[0]);
    *pid = child;
    return code;
}

// A signal handler is a union of function pointers behind macros.
static inline int scrap_ignore_signal(int signal) {
    struct sigaction action = {.sa_handler = SIG_IGN};
    return sigaction(signal, &action, NULL);
}
static inline int scrap_default_signal(int signal) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    return sigaction(signal, &action, NULL);
}

// A datagram for sd_notify(3). A leading '@' names an abstract socket.
static inline ssize_t scrap_send_datagram(int fd, const char *path, const void *bytes,
                                          size_t count) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof address.sun_path) {
        errno = EINVAL;
        return -1;
    }
    memcpy(address.sun_path, path, length);
    if (path[0] == '@') address.sun_path[0] = '\0';
    return sendto(fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT, (const struct sockaddr *)&address,
                  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
}

// A stream socket with a name of its own, in no folder: unix(7), "abstract". Negative with errno.
static inline socklen_t scrap_name_socket(struct sockaddr_un *address, const char *name) {
    size_t length = strnlen(name, sizeof address->sun_path - 1);
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path + 1, name, length);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
}
static inline int scrap_close_failed(int fd) {
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}
static inline int scrap_listen(const char *name) {
    struct sockaddr_un address;
    socklen_t size = scrap_name_socket(&address, name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    if (bind(fd, (const struct sockaddr *)&address, size) != 0 || listen(fd, 8) != 0)
        return scrap_close_failed(fd);
    return fd;
}
extern int accept4(int fd, struct sockaddr *address, socklen_t *size, int flags);
static inline int scrap_accept(int fd) {
    return accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}
static inline ssize_t scrap_send(int fd, const void *bytes, size_t count) {
    return send(fd, bytes, count, MSG_NOSIGNAL);
}
// On a socket that is not ours alone, and may be one that blocks.
static inline ssize_t scrap_send_now(int fd, const void *bytes, size_t count) {
    return send(fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
}
static inline int scrap_connect(const char *name) {
    struct sockaddr_un address;
    socklen_t size = scrap_name_socket(&address, name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    return connect(fd, (const struct sockaddr *)&address, size) == 0 ? fd : scrap_close_failed(fd);
}

// Casts and complex macros that the importer leaves out.
static inline void *scrap_map(size_t bytes) {
    void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return base == MAP_FAILED ? NULL : base;
}
// Memory that this process shares with those that it forks.
static inline void *scrap_map_shared(size_t bytes) {
    void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return base == MAP_FAILED ? NULL : base;
}
// What was written before a store is seen by who loads it.
static inline int64_t scrap_load(const int64_t *place) {
    return __atomic_load_n(place, __ATOMIC_ACQUIRE);
}
static inline void scrap_store(int64_t *place, int64_t value) {
    __atomic_store_n(place, value, __ATOMIC_RELEASE);
}

// Both ends of a line that keeps messages apart, and never makes its writer wait.
static inline int scrap_socket_pair(int *ends) {
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends);
}

// A timer that kills this process, also while it is stopped: timer_create(2). It does not run
// while the machine sleeps.
static inline int scrap_make_kill_timer(timer_t *timer) {
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
    return timer_create(CLOCK_MONOTONIC, &event, timer);
}
// At `us` of CLOCK_MONOTONIC; 0: not at all.
static inline int scrap_arm_kill_timer(timer_t timer, int64_t us) {
    struct itimerspec when = {.it_value = {us / 1000000, us % 1000000 * 1000}};
    return timer_settime(timer, TIMER_ABSTIME, &when, NULL);
}
static inline int64_t scrap_monotonic_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static inline int scrap_waitid_pidfd(int pidfd, siginfo_t *info, int options) {
    return waitid((idtype_t)P_PIDFD, (id_t)pidfd, info, options);
}
static inline pid_t scrap_child_pid(const siginfo_t *info) { return info->si_pid; }
static inline int scrap_child_status(const siginfo_t *info) { return info->si_status; }
static inline uint64_t scrap_boottime_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
// Declared for _GNU_SOURCE only, which a host may not define.
extern char **__environ;
static inline char **scrap_environment(void) { return __environ; }
static inline int scrap_pipe(int *ends) { return pipe2(ends, O_CLOEXEC); }
extern int memfd_create(const char *name, unsigned int flags);
static inline int scrap_memory_file(const char *name) {
    return memfd_create(name, 1 /* MFD_CLOEXEC */);
}
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);
static inline int scrap_spawn_close_from(posix_spawn_file_actions_t *actions, int from) {
    return posix_spawn_file_actions_addclosefrom_np(actions, from);
}
