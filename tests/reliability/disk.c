/* Preloaded into a bridge: writes down what reaches the disk and what is answered, in order, and lets the disk fail.
 *
 * DISK_LOG names the file that gets one line for each of:
 *   asked FD ID       an event came in over a socket (a messageId that begins with "evt-")
 *   wrote ID          an event was written into the log of the database (its -wal file)
 *   syncing WHICH     a sync of the database ("db") or its log ("wal") begins
 *   synced WHICH      it has ended well; "unsynced WHICH" when it failed
 *   answered FD CODE  the first byte of an answer is about to be sent over a socket
 * DISK_FAULTS names a file; while it exists it says what fails with EIO: "write" (to database and log), "sync" (of the
 * log), "sync-db" (of the database file). */
#define _GNU_SOURCE
#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static void say(const char *what, const char *which, int length) {
    char line[256];
    const char *path = getenv("DISK_LOG");
    if (path == NULL) return;
    int size = snprintf(line, sizeof line, "%s %.*s\n", what, length, which);
    int place = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT, 0600);
    if (place < 0) return;
    syscall(SYS_write, place, line, size < (int)sizeof line ? size : (int)sizeof line - 1); /* one write: lines of several threads do not mix */
    syscall(SYS_close, place);
}

static int fails(const char *what) {
    char text[64];
    const char *path = getenv("DISK_FAULTS");
    if (path == NULL) return 0;
    int file = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY, 0);
    if (file < 0) return 0;
    long size = syscall(SYS_read, file, text, sizeof text - 1);
    syscall(SYS_close, file);
    text[size < 0 ? 0 : size] = 0;
    return strcmp(text, what) == 0;
}

/* "db", "wal", or NULL for a file that is none of ours. */
static const char *kind(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    long size = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    if (size < 0) return NULL;
    path[size] = 0;
    const char *name = strrchr(path, '/');
    if (name == NULL) return NULL;
    if (strcmp(name, "/bridge.sqlite3") == 0) return "db";
    return strcmp(name, "/bridge.sqlite3-wal") == 0 ? "wal" : NULL;
}

static void say_events(const char *what, const char *bytes, size_t size) {
    const char *end = bytes + size;
    while (bytes < end && (bytes = memmem(bytes, (size_t)(end - bytes), "evt-", 4)) != NULL) {
        int length = 4;
        while (bytes + length < end && isdigit((unsigned char)bytes[length])) length++;
        say(what, bytes, length);
        bytes += length;
    }
}

static void came_in(int fd, const void *bytes, long size) {
    char what[32];
    if (size <= 0 || memmem(bytes, (size_t)size, "evt-", 4) == NULL) return;
    snprintf(what, sizeof what, "asked %d", fd);
    say_events(what, bytes, (size_t)size);
}

static void goes_out(int fd, const void *bytes, size_t size) {
    char what[32];
    if (size < 12 || memcmp(bytes, "HTTP/1.1 ", 9) != 0) return;
    snprintf(what, sizeof what, "answered %d", fd);
    say(what, (const char *)bytes + 9, 3);
}

#define NEXT(name) \
    static __typeof__(name) *next; \
    if (next == NULL) next = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

static int to_disk(int fd, const void *bytes, size_t size) {
    const char *which = kind(fd);
    if (which == NULL) return 0;
    if (fails("write")) {
        errno = EIO;
        return -1;
    }
    if (strcmp(which, "wal") == 0) say_events("wrote", bytes, size);
    return 0;
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) {
    NEXT(pwrite);
    return to_disk(fd, bytes, size) ? -1 : next(fd, bytes, size, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at) {
    NEXT(pwrite64);
    return to_disk(fd, bytes, size) ? -1 : next(fd, bytes, size, at);
}

static int sync_with(int fd, int (*next)(int)) {
    const char *which = kind(fd);
    if (which == NULL) return next(fd);
    say("syncing", which, 3);
    int failed = fails(strcmp(which, "wal") == 0 ? "sync" : "sync-db");
    if (failed) errno = EIO;
    int result = failed ? -1 : next(fd);
    int why = errno;
    say(result == 0 ? "synced" : "unsynced", which, 3);
    errno = why;
    return result;
}

int fdatasync(int fd) {
    NEXT(fdatasync);
    return sync_with(fd, next);
}

int fsync(int fd) {
    NEXT(fsync);
    return sync_with(fd, next);
}

ssize_t read(int fd, void *bytes, size_t size) {
    NEXT(read);
    ssize_t got = next(fd, bytes, size);
    int why = errno;
    came_in(fd, bytes, got);
    errno = why;
    return got;
}

ssize_t recv(int fd, void *bytes, size_t size, int flags) {
    NEXT(recv);
    ssize_t got = next(fd, bytes, size, flags);
    int why = errno;
    came_in(fd, bytes, got);
    errno = why;
    return got;
}

ssize_t write(int fd, const void *bytes, size_t size) {
    NEXT(write);
    goes_out(fd, bytes, size);
    return next(fd, bytes, size);
}

ssize_t send(int fd, const void *bytes, size_t size, int flags) {
    NEXT(send);
    goes_out(fd, bytes, size);
    return next(fd, bytes, size, flags);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    NEXT(writev);
    if (count > 0) goes_out(fd, parts[0].iov_base, parts[0].iov_len);
    return next(fd, parts, count);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    NEXT(sendmsg);
    if (message->msg_iovlen > 0) goes_out(fd, message->msg_iov[0].iov_base, message->msg_iov[0].iov_len);
    return next(fd, message, flags);
}
