/* The guest of the command door in the conformance suite: a plain program, which does by
 * RUNNER_JOB_NAME what tests/languages/README.md says. It knows nothing of Runner but
 * what a program is given; the reader of JSON is that of sdk/c. */
#include "runner.h"
#include "runner_internal.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* sysexits.h, which wasi-libc does not have. */
enum { EX_DATAERR = 65, EX_TEMPFAIL = 75 };

extern char **environ;

static char *payload;
static size_t payload_len;
static runner_json data;

/* The reader says why a text is not JSON. */
void runner_set_error(const char *kind, const char *message) {
  (void)kind;
  fprintf(stderr, "%s\n", message);
}

static void read_payload(void) {
  size_t room = 1 << 16;
  payload = malloc(room);
  for (size_t got; (got = fread(payload + payload_len, 1, room - payload_len, stdin));) {
    payload_len += got;
    if (payload_len == room) payload = realloc(payload, room *= 2);
  }
}

static uint64_t number_of(const char *field) {
  uint64_t number = 0;
  return runner_u64(runner_get(data, field), &number) ? number : 0;
}

static const char *text_of(const char *field) {
  const char *text = runner_string(runner_get(data, field), NULL);
  return text ? text : "";
}

static const char *variable(const char *name) {
  const char *value = getenv(name);
  return value ? value : "";
}

static const char *quoted(const char *text) { return text ? runner_quote(text) : "null"; }

static uint64_t millis(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

static void numbers(void) {
  runner_json values = runner_get(data, "values");
  size_t count = runner_count(values);
  for (int texts = 0; texts < 2; texts++) {
    printf(texts ? "],\"texts\":[" : "{\"values\":[");
    for (size_t i = 0; i < count; i++) {
      runner_json value = runner_at(values, i);
      uint64_t large;
      int64_t small;
      const char *digits = runner_u64(value, &large)   ? runner_format("%" PRIu64, large)
                           : runner_s64(value, &small) ? runner_format("%" PRId64, small)
                                                       : "null";
      printf(texts ? "%s\"%s\"" : "%s%s", i ? "," : "", digits);
    }
  }
  printf("]}");
}

static void filled(const char *before, char with, size_t count, const char *after) {
  char *text = runner_alloc(count);
  memset(text, with, count);
  fputs(before, stdout);
  fwrite(text, 1, count, stdout);
  fputs(after, stdout);
}

static void describe(void) {
  uint64_t deadline = strtoull(variable("RUNNER_DEADLINE"), NULL, 10);
  printf("{\"id\":%s,\"queue\":%s,\"name\":%s,\"attempt\":%s,\"maxAttempts\":%s,"
         "\"requestId\":%s,\"timeLeft\":%" PRIu64 "}",
         quoted(getenv("RUNNER_JOB_ID")), quoted(getenv("RUNNER_QUEUE")),
         quoted(getenv("RUNNER_JOB_NAME")), variable("RUNNER_ATTEMPT"),
         variable("RUNNER_MAX_ATTEMPTS"), quoted(getenv("RUNNER_REQUEST_ID")),
         deadline - millis(CLOCK_REALTIME));
}

static void environment(int count, char **arguments) {
  printf("{\"env\":{");
  for (char **at = environ; *at; at++) {
    char *equals = strchr(*at, '=');
    if (!equals) continue;
    printf("%s%s:%s", at == environ ? "" : ",",
           runner_quote_text(*at, (size_t)(equals - *at)), runner_quote(equals + 1));
  }
  printf("},\"args\":[");
  for (int i = 1; i < count; i++) printf("%s%s", i > 1 ? "," : "", runner_quote(arguments[i]));
  printf("],\"stdin\":%s}", runner_quote_text(payload, payload_len));
}

static void clocks(void) {
  uint64_t first = millis(CLOCK_MONOTONIC), now = millis(CLOCK_REALTIME);
  time_t seconds = (time_t)(now / 1000);
  struct tm local, utc;
  localtime_r(&seconds, &local);
  gmtime_r(&seconds, &utc);
  printf("{\"now\":%" PRIu64 ",\"offset\":%d,\"monotonic\":%s}", now,
         (local.tm_hour - utc.tm_hour) * 60 + local.tm_min - utc.tm_min,
         millis(CLOCK_MONOTONIC) >= first ? "true" : "false");
}

static void rest(void) {
  uint64_t ms = number_of("ms"), began = millis(CLOCK_MONOTONIC);
  struct timespec time = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
  nanosleep(&time, NULL);
  printf("{\"slept\":%" PRIu64 "}", millis(CLOCK_MONOTONIC) - began);
}

static void read_file(void) {
  FILE *file = fopen(text_of("path"), "r");
  if (!file) {
    printf("{\"error\":%s}", runner_quote(strerror(errno)));
    return;
  }
  char text[4096];
  size_t len = fread(text, 1, sizeof text, file);
  printf("{\"text\":%s}", runner_quote_text(text, len));
}

static void place(void) {
  uint64_t pieces = 0, quantity;
  runner_json items = runner_get(data, "items"), note = runner_get(data, "note");
  for (size_t i = 0; i < runner_count(items); i++) {
    if (runner_u64(runner_get(runner_at(items, i), "quantity"), &quantity)) pieces += quantity;
  }
  printf("{\"id\":%s,\"pieces\":%" PRIu64 ",\"channel\":%s,\"note\":%s}",
         runner_text(runner_get(data, "id")), pieces, runner_text(runner_get(data, "channel")),
         note.at ? runner_text(note) : "null");
}

static int said(int code, const char *reason) {
  fprintf(stderr, "%s\n", reason);
  return code;
}

__attribute__((noinline)) static void fall(void) {
  fprintf(stderr, "the sky is falling\n");
  abort();
}

__attribute__((noinline)) static uint64_t recurse(volatile uint64_t depth) {
  volatile uint64_t below = depth + 1;
  return recurse(below) + depth;
}

static void allocate(void) {
  uint64_t mib = number_of("mib");
  char *bytes = malloc((size_t)mib << 20);
  assert(bytes && "out of memory");
  for (size_t i = 0; i < (size_t)mib << 20; i += 4096) ((volatile char *)bytes)[i] = 1;
  printf("{\"mib\":%" PRIu64 "}", mib);
}

/* The jobs that end in a way of their own; the exit code, or -1 for other jobs. */
static int ends(const char *name) {
  bool first = !strcmp(variable("RUNNER_ATTEMPT"), "1");
  if (!strcmp(name, "retry") || (!strcmp(name, "retry-once") && first)) {
    return said(EX_TEMPFAIL, "the other side is down");
  }
  if (!strcmp(name, "retry-once")) return printf("{\"attempt\":%s}", variable("RUNNER_ATTEMPT")), 0;
  if (!strcmp(name, "reject")) return said(EX_DATAERR, "no such user");
  if (!strcmp(name, "leak-failure")) {
    return said(EX_DATAERR, runner_format("bad token %s", variable("TOKEN")));
  }
  if (!strcmp(name, "throw")) fall();
  if (!strcmp(name, "assert")) assert(!"two is not one");
  if (!strcmp(name, "exit")) return (int)number_of("code");
  if (!strcmp(name, "recurse")) return printf("%" PRIu64, recurse(1)), 0;
  if (!strcmp(name, "allocate")) return allocate(), 0;
  if (!strcmp(name, "spin")) {
    for (volatile uint64_t i = 0;; i++) {
    }
  }
  return -1;
}

static bool values(const char *name) {
  if (!strcmp(name, "raw")) return fwrite(payload, 1, payload_len, stdout), true;
  if (!strcmp(name, "nothing")) return true;
  if (!strcmp(name, "numbers")) return numbers(), true;
  if (!strcmp(name, "text") || !strcmp(name, "length")) {
    size_t len;
    bool text = !strcmp(name, "text");
    const char *of = runner_string(runner_get(data, text ? "text" : "blob"), &len);
    if (text) printf("{\"text\":%s,\"bytes\":%zu}", runner_quote_text(of, len), len);
    if (!text) printf("{\"length\":%zu}", len);
    return true;
  }
  if (!strcmp(name, "make")) return filled("{\"blob\":\"", 'x', number_of("bytes"), "\"}"), true;
  if (!strcmp(name, "deep")) {
    filled("", '[', number_of("levels"), "");
    filled("", ']', number_of("levels"), "");
    return true;
  }
  if (!strcmp(name, "version")) return printf("{\"version\":\"one\"}"), true;
  return false;
}

static bool talks(const char *name) {
  if (!strcmp(name, "job")) return describe(), true;
  if (!strcmp(name, "print")) return printf("one\ntwo\n"), fprintf(stderr, "three\n"), true;
  if (!strcmp(name, "flood")) {
    for (uint64_t i = 0, lines = number_of("lines"); i < lines; i++) {
      fprintf(stderr, "line %" PRIu64 "\n", i);
    }
    return true;
  }
  if (!strcmp(name, "progress")) return fprintf(stderr, "::progress 25\n"), true;
  if (!strcmp(name, "progress-message")) {
    return fprintf(stderr, "::progress 40 page 2 of 5\n"), true;
  }
  if (!strcmp(name, "config")) {
    printf("{\"sender\":%s,\"limits\":%s,\"missing\":%s,\"token\":%zu,\"absent\":%s}",
           quoted(getenv("SENDER")), variable("LIMITS"), quoted(getenv("MISSING")),
           strlen(variable("TOKEN")), quoted(getenv("ABSENT")));
    return true;
  }
  if (!strcmp(name, "leak")) {
    fprintf(stderr, "the token is %s\n", variable("TOKEN"));
    return printf("{\"token\":%s}", quoted(getenv("TOKEN"))), true;
  }
  return false;
}

static bool machine(const char *name, int count, char **arguments) {
  static uint64_t counted, held;
  if (!strcmp(name, "sleep")) return rest(), true;
  if (!strcmp(name, "random")) {
    uint64_t drawn[2];
    assert(!getentropy(drawn, sizeof drawn));
    printf("{\"getentropy\":\"%" PRIu64 "%" PRIu64 "\",\"arc4random\":\"%u%u\"}", drawn[0],
           drawn[1], arc4random(), arc4random());
    return true;
  }
  if (!strcmp(name, "clock")) return clocks(), true;
  if (!strcmp(name, "environment")) return environment(count, arguments), true;
  if (!strcmp(name, "count")) return printf("{\"count\":%" PRIu64 "}", ++counted), true;
  if (!strcmp(name, "hold")) {
    held = number_of("n");
    fprintf(stderr, "holds %" PRIu64 "\n", held);
    return printf("{\"n\":%" PRIu64 "}", held), true;
  }
  if (!strcmp(name, "read")) return read_file(), true;
  if (!strcmp(name, "place")) return place(), true;
  return false;
}

int main(int count, char **arguments) {
  const char *name = variable("RUNNER_JOB_NAME");
  read_payload();
  if (!strcmp(name, "raw")) return !values(name);
  data = runner_parse(payload, payload_len);
  if (!data.at) return EX_DATAERR;
  if (!strcmp(name, "echo")) return fwrite(data.at, 1, data.len, stdout) != data.len;
  int code = ends(name);
  if (code >= 0) return code;
  if (values(name) || talks(name) || machine(name, count, arguments)) return 0;
  return said(EX_DATAERR, runner_format("no job is named %s", name));
}
