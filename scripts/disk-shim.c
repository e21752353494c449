/* A disk that fails when it is told to, and that remembers what was written and what was synced.
 *
 * Preloaded into a program (LD_PRELOAD), for tests only. Looks at files below $DISK_SHIM_ROOT:
 *
 *   DISK_SHIM_FAIL=N:full   from the Nth write on there is no space left (ENOSPC); syncs work
 *   DISK_SHIM_FAIL=N:sync   the Nth sync fails (EIO); all else works
 *   DISK_SHIM_FAIL=N:write  the Nth write fails (EIO); all else works
 *   DISK_SHIM_FIRED=FILE    is made when something failed
 *   DISK_SHIM_RECORD=FILE   takes an entry for each change that was made, in the order of their ends
 *
 * An entry: u8 kind, u32 length of path, u32 length of data, u64 offset, path, data; little-endian. Kinds: W write,
 * T truncate to the offset, S sync, C create, R rename (data: the new path), U unlink, M make a folder.
 * sync_file_range is no sync: it promises nothing of sizes and of the disk's own cache.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static const char *root, *fired;
static int recording = -1;
static long aim;
static enum { NOTHING, FULL, WRITE_ONCE, SYNC_ONCE } failing;
static long writes, syncs;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void) {
    root = getenv("DISK_SHIM_ROOT");
    fired = getenv("DISK_SHIM_FIRED");
    const char *fail = getenv("DISK_SHIM_FAIL"), *record = getenv("DISK_SHIM_RECORD");
    char how[16] = "";
    if (fail && sscanf(fail, "%ld:%15s", &aim, how) == 2)
        failing = !strcmp(how, "full") ? FULL : !strcmp(how, "sync") ? SYNC_ONCE : WRITE_ONCE;
    if (record) recording = REAL(open)(record, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

static int below(const char *path) {
    size_t length = root ? strlen(root) : 0;
    return length && !strncmp(path, root, length) && (path[length] == '/' || !path[length]);
}

/* The path of an open file, if it is ours. */
static int path_of(int fd, char path[PATH_MAX]) {
    char link[64];
    if (!root || fd < 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return below(path);
}

static int absolute(int folder, const char *path, char out[PATH_MAX]) {
    char base[PATH_MAX];
    if (!root || !path) return 0;
    if (*path == '/') snprintf(out, PATH_MAX, "%s", path);
    else if (folder == AT_FDCWD) {
        if (!getcwd(base, sizeof base)) return 0;
        if (snprintf(out, PATH_MAX, "%s/%s", base, path) >= PATH_MAX) return 0;
    } else if (!path_of(folder, base) || snprintf(out, PATH_MAX, "%s/%s", base, path) >= PATH_MAX) return 0;
    return below(out);
}

static void note(char kind, const char *path, uint64_t offset, const void *data, uint32_t length) {
    if (recording < 0) return;
    uint32_t path_length = strlen(path);
    size_t whole = 17 + path_length + length;
    char *entry = malloc(whole);
    if (!entry) abort();
    entry[0] = kind;
    memcpy(entry + 1, &path_length, 4);
    memcpy(entry + 5, &length, 4);
    memcpy(entry + 9, &offset, 8);
    memcpy(entry + 17, path, path_length);
    memcpy(entry + 17 + path_length, data, length);
    if (REAL(write)(recording, entry, whole) != (ssize_t)whole) abort();
    free(entry);
}

static int fails(int is_sync) {
    pthread_mutex_lock(&lock);
    long now = is_sync ? ++syncs : ++writes;
    int bad = is_sync ? failing == SYNC_ONCE && now == aim
                      : (failing == FULL && now >= aim) || (failing == WRITE_ONCE && now == aim);
    pthread_mutex_unlock(&lock);
    if (bad && fired) close(REAL(open)(fired, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    if (bad) errno = failing == FULL ? ENOSPC : EIO;
    return bad;
}

static ssize_t put(int fd, const void *data, size_t length, off_t at, int positioned) {
    char path[PATH_MAX];
    int ours = path_of(fd, path);
    if (ours && fails(0)) return -1;
    if (!ours) return positioned ? REAL(pwrite)(fd, data, length, at) : REAL(write)(fd, data, length);
    pthread_mutex_lock(&lock);
    if (!positioned) {
        struct stat state;
        int append = fcntl(fd, F_GETFL) & O_APPEND;
        at = append && !fstat(fd, &state) ? state.st_size : lseek(fd, 0, SEEK_CUR);
    }
    ssize_t done = positioned ? REAL(pwrite)(fd, data, length, at) : REAL(write)(fd, data, length);
    if (done > 0) note('W', path, at, data, done);
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t write(int fd, const void *data, size_t length) { return put(fd, data, length, 0, 0); }
ssize_t pwrite(int fd, const void *data, size_t length, off_t at) { return put(fd, data, length, at, 1); }
ssize_t pwrite64(int fd, const void *data, size_t length, off64_t at) { return put(fd, data, length, at, 1); }

/* A short write is allowed, and the callers go on with the rest. */
ssize_t writev(int fd, const struct iovec *parts, int count) {
    char path[PATH_MAX];
    if (!path_of(fd, path)) return REAL(writev)(fd, parts, count);
    for (int i = 0; i < count; i++)
        if (parts[i].iov_len) return put(fd, parts[i].iov_base, parts[i].iov_len, 0, 0);
    return 0;
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
    char path[PATH_MAX];
    if (!path_of(fd, path)) return REAL(pwritev)(fd, parts, count, at);
    for (int i = 0; i < count; i++)
        if (parts[i].iov_len) return put(fd, parts[i].iov_base, parts[i].iov_len, at, 1);
    return 0;
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) { return pwritev(fd, parts, count, at); }

static int sync_with(int fd, int (*sync)(int)) {
    char path[PATH_MAX];
    int ours = path_of(fd, path);
    if (ours && fails(1)) return -1;
    int done = sync(fd);
    if (ours && !done) {
        pthread_mutex_lock(&lock);
        note('S', path, 0, "", 0);
        pthread_mutex_unlock(&lock);
    }
    return done;
}
int fsync(int fd) { return sync_with(fd, REAL(fsync)); }
int fdatasync(int fd) { return sync_with(fd, REAL(fdatasync)); }

int ftruncate(int fd, off_t length) {
    char path[PATH_MAX];
    int ours = path_of(fd, path), done = REAL(ftruncate)(fd, length);
    if (ours && !done) note('T', path, length, "", 0);
    return done;
}
int ftruncate64(int fd, off64_t length) { return ftruncate(fd, length); }

static int open_at(int folder, const char *name, int flags, mode_t mode) {
    char path[PATH_MAX];
    struct stat state;
    int ours = (flags & (O_CREAT | O_TRUNC)) && absolute(folder, name, path);
    int was = ours && !stat(path, &state);
    if (ours && !was && (flags & O_CREAT) && fails(0)) return -1;
    int fd = REAL(openat)(folder, name, flags, mode);
    if (ours && fd >= 0) {
        if (!was) note('C', path, 0, "", 0);
        else if (flags & O_TRUNC) note('T', path, 0, "", 0);
    }
    return fd;
}
#define MODE(flags) ({ mode_t mode = 0; if ((flags) & (O_CREAT | O_TMPFILE)) { \
    va_list more; va_start(more, flags); mode = va_arg(more, mode_t); va_end(more); } mode; })
int open(const char *name, int flags, ...) { return open_at(AT_FDCWD, name, flags, MODE(flags)); }
int open64(const char *name, int flags, ...) { return open_at(AT_FDCWD, name, flags, MODE(flags)); }
int openat(int folder, const char *name, int flags, ...) { return open_at(folder, name, flags, MODE(flags)); }
int openat64(int folder, const char *name, int flags, ...) { return open_at(folder, name, flags, MODE(flags)); }

int rename(const char *from, const char *to) {
    char before[PATH_MAX], after[PATH_MAX];
    int ours = absolute(AT_FDCWD, from, before) & absolute(AT_FDCWD, to, after);
    int done = REAL(rename)(from, to);
    if (ours && !done) note('R', before, 0, after, strlen(after));
    return done;
}
int unlink(const char *name) {
    char path[PATH_MAX];
    int ours = absolute(AT_FDCWD, name, path), done = REAL(unlink)(name);
    if (ours && !done) note('U', path, 0, "", 0);
    return done;
}
int mkdir(const char *name, mode_t mode) {
    char path[PATH_MAX];
    int ours = absolute(AT_FDCWD, name, path), done = REAL(mkdir)(name, mode);
    if (ours && !done) note('M', path, 0, "", 0);
    return done;
}
