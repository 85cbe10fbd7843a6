/*
 * Stands between a process and the C library, for files named journal.db and journal.db-wal: writes down every write,
 * truncation and sync in order, and fails the n-th of a kind when told to. Loaded with LD_PRELOAD.
 *
 * A file named "control" is the way to talk to it: "note TEXT" puts a line into the record; "fail sync|write N once|on"
 * counts from now on; "fail none" ends that. HEDDLE_FAULTS_RECORD names the file of the record; without it nothing is recorded.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int record = -2;
static int fail_sync, fail_write, fail_always;
static long countdown;

static const char *name_of(int fd) {
  static char path[4096];
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return "";
  path[length] = 0;
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

/* 'd': the file, 'w': its log, 'c': control, 0: not ours. */
static char kind_of(int fd) {
  const char *name = name_of(fd);
  if (strcmp(name, "journal.db") == 0) return 'd';
  if (strcmp(name, "journal.db-wal") == 0) return 'w';
  if (strcmp(name, "control") == 0) return 'c';
  return 0;
}

static void put(const void *bytes, size_t length) {
  if (record == -2) {
    const char *path = getenv("HEDDLE_FAULTS_RECORD");
    record = path ? syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
  }
  if (record >= 0) syscall(SYS_write, record, bytes, length);
}

static void note(char op, char kind, long offset, const void *bytes, size_t length) {
  char head[96];
  int size = snprintf(head, sizeof head, "%c %c %ld %zu\n", op, kind, offset, length);
  put(head, size);
  if (bytes) put(bytes, length);
}

static void obey(const char *text, size_t length) {
  char line[256] = {0};
  char what[16] = {0}, how[16] = {0};
  memcpy(line, text, length < sizeof line - 1 ? length : sizeof line - 1);
  if (strncmp(line, "note ", 5) == 0) {
    note('N', '-', 0, line + 5, strlen(line + 5));
    return;
  }
  fail_sync = fail_write = 0;
  if (sscanf(line, "fail %15s %ld %15s", what, &countdown, how) == 3) {
    fail_sync = strcmp(what, "sync") == 0;
    fail_write = strcmp(what, "write") == 0;
    fail_always = strcmp(how, "on") == 0;
  }
}

static int fails(int counted) {
  if (!counted) return 0;
  countdown--;
  if (countdown > 0 || (countdown < 0 && !fail_always)) return 0;
  errno = EIO;
  return 1;
}

static ssize_t do_write(int fd, const void *bytes, size_t length, long offset, int positioned) {
  char kind = kind_of(fd);
  if (kind == 'c') obey(bytes, length);
  if ((kind == 'd' || kind == 'w')) {
    if (fails(fail_write)) return -1;
    note('W', kind, positioned ? offset : lseek(fd, 0, SEEK_CUR), bytes, length);
  }
  return positioned ? syscall(SYS_pwrite64, fd, bytes, length, offset) : syscall(SYS_write, fd, bytes, length);
}

ssize_t write(int fd, const void *bytes, size_t length) { return do_write(fd, bytes, length, 0, 0); }
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) { return do_write(fd, bytes, length, offset, 1); }
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) { return do_write(fd, bytes, length, offset, 1); }

static int do_sync(int fd, long call) {
  char kind = kind_of(fd);
  if (kind == 'd' || kind == 'w') {
    if (fails(fail_sync)) return -1;
    note('S', kind, 0, NULL, 0);
  }
  return syscall(call, fd);
}

int fsync(int fd) { return do_sync(fd, SYS_fsync); }
int fdatasync(int fd) { return do_sync(fd, SYS_fdatasync); }

static int do_truncate(int fd, long size) {
  char kind = kind_of(fd);
  if (kind == 'd' || kind == 'w') note('T', kind, size, NULL, 0);
  return syscall(SYS_ftruncate, fd, size);
}

int ftruncate(int fd, off_t size) { return do_truncate(fd, size); }
int ftruncate64(int fd, off64_t size) { return do_truncate(fd, size); }
