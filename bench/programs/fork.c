/* The limit for running commands: forks `sh -c true` N times, two at once, and waits for each. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
  int left = argc > 1 ? atoi(argv[1]) : 100;
  int running = 0;
  while (left > 0 || running > 0) {
    if (left > 0 && running < 2) {
      pid_t pid = vfork();
      if (pid == 0) {
        execl("/bin/sh", "sh", "-c", "true", (char *)0);
        _exit(127);
      }
      if (pid < 0) return 1;
      left--;
      running++;
      continue;
    }
    if (wait(0) < 0) return 1;
    running--;
  }
  return 0;
}
