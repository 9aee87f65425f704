/* What a program finds around it: clocks, random sources, an environment, files. */
#include "guest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static uint64_t millis(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

static bool rest(const runner_job *job) {
  uint64_t ms = number_of(job, "ms"), began = millis(CLOCK_MONOTONIC);
  struct timespec time = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
  nanosleep(&time, NULL);
  return runner_return("{\"slept\":%" PRIu64 "}", millis(CLOCK_MONOTONIC) - began);
}

/* C's own generator, rand, is seeded by the program or not at all. */
static bool draw(void) {
  uint64_t numbers[2];
  if (getentropy(numbers, sizeof numbers)) return runner_retry("getentropy: %s", strerror(errno));
  return runner_return("{\"getentropy\":\"%" PRIu64 "%" PRIu64 "\",\"arc4random\":\"%u%u\"}",
                       numbers[0], numbers[1], arc4random(), arc4random());
}

static bool clocks(void) {
  uint64_t first = millis(CLOCK_MONOTONIC), now = millis(CLOCK_REALTIME);
  time_t seconds = (time_t)(now / 1000);
  struct tm local;
  localtime_r(&seconds, &local);
  struct tm utc;
  gmtime_r(&seconds, &utc);
  int offset = (local.tm_hour - utc.tm_hour) * 60 + local.tm_min - utc.tm_min;
  return runner_return("{\"now\":%" PRIu64 ",\"offset\":%d,\"monotonic\":%s}", now, offset,
                       millis(CLOCK_MONOTONIC) >= first ? "true" : "false");
}

static bool environment(void) {
  const char *variables = "";
  for (char **at = environ; at && *at; at++) {
    char *equals = strchr(*at, '=');
    if (!equals) continue;
    const char *name = runner_quote_text(*at, (size_t)(equals - *at));
    variables = runner_format("%s%s%s:%s", variables, *variables ? "," : "", name,
                              runner_quote(equals + 1));
  }
  char read[256];
  size_t len = fread(read, 1, sizeof read, stdin);
  return runner_return("{\"env\":{%s},\"args\":[],\"stdin\":%s}", variables,
                       runner_quote_text(read, len));
}

static bool read_file(const runner_job *job) {
  FILE *file = fopen(text_of(job, "path"), "r");
  if (!file) return runner_return("{\"error\":%s}", runner_quote(strerror(errno)));
  char text[4096];
  size_t len = fread(text, 1, sizeof text, file);
  fclose(file);
  return runner_return("{\"text\":%s}", runner_quote_text(text, len));
}

bool machine(const runner_job *job) {
  static uint64_t count;
  if (IS("sleep")) return rest(job);
  if (IS("random")) return draw();
  if (IS("clock")) return clocks();
  if (IS("environment")) return environment();
  if (IS("read")) return read_file(job);
  return runner_return("{\"count\":%" PRIu64 "}", ++count);
}
