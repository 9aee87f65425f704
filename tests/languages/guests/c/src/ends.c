/* How an attempt can end. */
#include "guest.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

__attribute__((noinline)) static void fall(void) {
  fprintf(stderr, "the sky is falling\n");
  abort();
}

__attribute__((noinline)) static uint64_t recurse(volatile uint64_t depth) {
  volatile uint64_t below = depth + 1;
  return recurse(below) + depth;
}

static bool allocate(const runner_job *job) {
  uint64_t mib = number_of(job, "mib");
  char *bytes = malloc((size_t)mib << 20);
  assert(bytes && "out of memory");
  for (size_t i = 0; i < (size_t)mib << 20; i += 4096) ((volatile char *)bytes)[i] = 1;
  free(bytes);
  return runner_return("{\"mib\":%" PRIu64 "}", mib);
}

bool ends(const runner_job *job) {
  bool first = job->attempt == 1;
  uint64_t ms = number_of(job, "ms");
  /* A job that was handed back is in its first attempt still. */
  bool fresh = now() < job->added_at + ms;
  if (IS("childless")) return runner_wait_children();
  if (IS("retry")) return runner_retry("the other side is down");
  if (IS("retry-once") && first) return runner_retry("the other side is down");
  if (IS("retry-after") && first) return runner_retry_after(ms, "slow down");
  if (IS("reject")) return runner_reject("no such user");
  if (IS("snooze") && fresh) return runner_snooze(ms, "quiet hours");
  if (IS("rate-limit") && fresh) return runner_rate_limit(ms, "429");
  if (IS("throw")) fall();
  if (IS("assert")) assert(!"two is not one");
  if (IS("exit")) exit((int)number_of(job, "code"));
  if (IS("recurse")) return runner_return("%" PRIu64, recurse(1));
  if (IS("allocate")) return allocate(job);
  if (IS("spin")) {
    for (volatile uint64_t i = 0;; i++) {
    }
  }
  return runner_return("{\"attempt\":%u}", (unsigned)job->attempt);
}
