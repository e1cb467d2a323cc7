// What Swift's Glibc module lacks of starting processes: GNU extensions.
#pragma once
#include <sys/types.h>

/// Both ends of a pipe that no child inherits unasked: pipe2(2). Returns 0 or an errno.
int cspawn_pipe(int ends[2]);

/// A pipe holds one page from now on.
void cspawn_shrink_pipe(int end);

/// A fresh process: default signals, a group of its own, and no descriptors but `stdio`.
/// posix_spawn(3). `folder` may be null. Returns 0 or an errno.
int cspawn(pid_t *pid, const char *program, char *const arguments[], char *const environment[],
           const char *folder, const int stdio[3]);

/// Two ends of a socket that keeps messages apart, and tells its reader, the first end, who sent
/// each: unix(7), SO_PASSCRED. Returns 0 or an errno.
int cspawn_reports(int ends[2]);

/// The next message as a C string, and the process that sent it, whose number in our namespace
/// this is; 0 at the end, -1 with errno.
ssize_t cspawn_receive(int end, char *text, size_t size, pid_t *sender);
