/* A disk that fails at the Nth call: loaded before the agent (LD_PRELOAD), it makes calls on chosen files fail and writes down
 * that it did. The tests build it: cc -O2 -fPIC -shared io_fault.c -o io_fault.so -ldl
 *
 *   IO_FAULT_PATH   only files whose path contains this
 *   IO_FAULT_CALLS  of these kinds, joined by commas: open read write sync truncate rename map
 *   IO_FAULT_NTH    the Nth such call, from 1
 *   IO_FAULT_KIND   EIO, ENOSPC, or TORN: half of the first write is done, everything behind it fails with ENOSPC
 *   IO_FAULT_UNTIL  a file: from the Nth call on everything fails until it exists. Without it, one call fails
 *   IO_FAULT_ARM    a file: calls are counted from when it exists. Without it, from the start
 *   IO_FAULT_LOG    a file: a line "call path" for each call that failed
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

static const char *path, *calls, *kind, *until, *arm, *log_file;
static long nth;
static atomic_long counted;
static atomic_int armed;

__attribute__((constructor)) static void begin(void) {
  path = getenv("IO_FAULT_PATH");
  calls = getenv("IO_FAULT_CALLS");
  kind = getenv("IO_FAULT_KIND");
  until = getenv("IO_FAULT_UNTIL");
  arm = getenv("IO_FAULT_ARM");
  log_file = getenv("IO_FAULT_LOG");
  nth = getenv("IO_FAULT_NTH") ? atol(getenv("IO_FAULT_NTH")) : 0;
  armed = !arm;
}

#define REAL(name) \
  static __typeof__(&name) real; \
  if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static void note(const char *call, const char *file) {
  REAL(open);
  char line[4200];
  int fd = real(log_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600), n = snprintf(line, sizeof line, "%s %s\n", call, file);
  static ssize_t (*real_write)(int, const void *, size_t);
  if (!real_write) real_write = (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
  if (fd < 0) return;
  if (real_write(fd, line, n) < 0) abort(); /* a fault that nobody hears of proves nothing */
  close(fd);
}

/* Whether this call is to fail. */
static int fails(const char *call, const char *file) {
  if (!path || !nth || !strstr(file, path) || !strstr(calls, call)) return 0;
  int before = errno;
  if (!armed) {
    if (access(arm, F_OK)) {
      errno = before;
      return 0;
    }
    armed = 1;
  }
  long n = atomic_fetch_add(&counted, 1) + 1;
  int hit = until ? n >= nth && access(until, F_OK) : n == nth;
  errno = before;
  if (hit) note(call, file);
  return hit;
}

static int fails_fd(const char *call, int fd) {
  if (!path || !nth) return 0;
  int before = errno;
  char link[64], file[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, file, sizeof file - 1);
  errno = before;
  if (n <= 0) return 0;
  file[n] = 0;
  return fails(call, file);
}

static int refuse(void) {
  errno = kind && !strcmp(kind, "EIO") ? EIO : ENOSPC;
  return -1;
}

/* A torn write: half of it, and the caller that tries the rest finds no space. */
static size_t torn(size_t n) {
  static atomic_int tore;
  return kind && !strcmp(kind, "TORN") && n > 1 && !atomic_exchange(&tore, 1) ? n / 2 : 0;
}

#define OPEN(name) \
  int name(const char *file, int flags, ...) { \
    REAL(name); \
    va_list rest; \
    va_start(rest, flags); \
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
    va_end(rest); \
    return fails("open", file) ? refuse() : real(file, flags, mode); \
  }
OPEN(open)
OPEN(open64)
#define OPENAT(name) \
  int name(int dir, const char *file, int flags, ...) { \
    REAL(name); \
    va_list rest; \
    va_start(rest, flags); \
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
    va_end(rest); \
    return fails("open", file) ? refuse() : real(dir, file, flags, mode); \
  }
OPENAT(openat)
OPENAT(openat64)

ssize_t read(int fd, void *to, size_t n) {
  REAL(read);
  return fails_fd("read", fd) ? refuse() : real(fd, to, n);
}
ssize_t pread(int fd, void *to, size_t n, off_t at) {
  REAL(pread);
  return fails_fd("read", fd) ? refuse() : real(fd, to, n, at);
}
ssize_t pread64(int fd, void *to, size_t n, off64_t at) {
  REAL(pread64);
  return fails_fd("read", fd) ? refuse() : real(fd, to, n, at);
}
ssize_t write(int fd, const void *from, size_t n) {
  REAL(write);
  if (!fails_fd("write", fd)) return real(fd, from, n);
  size_t half = torn(n);
  return half ? real(fd, from, half) : refuse();
}
ssize_t pwrite(int fd, const void *from, size_t n, off_t at) {
  REAL(pwrite);
  if (!fails_fd("write", fd)) return real(fd, from, n, at);
  size_t half = torn(n);
  return half ? real(fd, from, half, at) : refuse();
}
ssize_t pwrite64(int fd, const void *from, size_t n, off64_t at) {
  REAL(pwrite64);
  if (!fails_fd("write", fd)) return real(fd, from, n, at);
  size_t half = torn(n);
  return half ? real(fd, from, half, at) : refuse();
}
int fsync(int fd) {
  REAL(fsync);
  return fails_fd("sync", fd) ? refuse() : real(fd);
}
int fdatasync(int fd) {
  REAL(fdatasync);
  return fails_fd("sync", fd) ? refuse() : real(fd);
}
int ftruncate(int fd, off_t n) {
  REAL(ftruncate);
  return fails_fd("truncate", fd) ? refuse() : real(fd, n);
}
int ftruncate64(int fd, off64_t n) {
  REAL(ftruncate64);
  return fails_fd("truncate", fd) ? refuse() : real(fd, n);
}
int rename(const char *from, const char *to) {
  REAL(rename);
  return fails("rename", to) ? refuse() : real(from, to);
}
void *mmap(void *at, size_t n, int prot, int flags, int fd, off_t from) {
  REAL(mmap);
  if (fd >= 0 && fails_fd("map", fd)) return refuse(), MAP_FAILED;
  return real(at, n, prot, flags, fd, from);
}
void *mmap64(void *at, size_t n, int prot, int flags, int fd, off64_t from) {
  REAL(mmap64);
  if (fd >= 0 && fails_fd("map", fd)) return refuse(), MAP_FAILED;
  return real(at, n, prot, flags, fd, from);
}
