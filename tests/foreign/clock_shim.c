/* A wall clock that a test sets, for a program that was not built for it: LD_PRELOAD this, with CLOCK_SHIM naming a file whose
 * first eight bytes are milliseconds to add to the real-time clock. The monotonic clock is left alone, as a step of the
 * real clock leaves it. The file by which systemd-timesyncd of the test machine says that the real clock is synchronized is
 * hidden: the test says so itself. (Rust asks with a null path whether there is such a call at all.) */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *shift;
static int (*real_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void start(void) {
    real_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    const char *path = getenv("CLOCK_SHIM");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *place = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
    if (place != MAP_FAILED) shift = place;
    close(file);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    if (!real_gettime) real_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real_gettime(clock, now);
    if (result == 0 && shift && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        int64_t ms = *shift;
        now->tv_sec += ms / 1000;
        now->tv_nsec += (ms % 1000) * 1000000;
        if (now->tv_nsec < 0) now->tv_sec--, now->tv_nsec += 1000000000;
        if (now->tv_nsec >= 1000000000) now->tv_sec++, now->tv_nsec -= 1000000000;
    }
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    (void)zone;
    struct timespec precise;
    int result = clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return result;
}

time_t time(time_t *place) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (place) *place = now.tv_sec;
    return now.tv_sec;
}

/* Not by <sys/stat.h>, which promises that the path is never null. */
struct statx;
int statx(int dir, const char *path, int flags, unsigned int mask, struct statx *found) {
    static int (*real_statx)(int, const char *, int, unsigned int, struct statx *);
    if (!real_statx) real_statx = (int (*)(int, const char *, int, unsigned int, struct statx *))dlsym(RTLD_NEXT, "statx");
    if (path && strcmp(path, "/run/systemd/timesync/synchronized") == 0) {
        errno = ENOENT;
        return -1;
    }
    return real_statx(dir, path, flags, mask, found);
}
