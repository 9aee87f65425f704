/* Memory of the job, text, and the reader of JSON. Knows nothing of the host. */
#include "runner.h"
#include "runner_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Memory ---- */

/* What was handed out, newest first. */
typedef struct block {
  struct block *next;
  max_align_t content[];
} block;

static block *blocks;

void *runner_alloc(size_t bytes) {
  block *made = calloc(1, sizeof(block) + bytes);
  if (!made) {
    fprintf(stderr, "runner: out of memory: %zu bytes\n", bytes);
    abort();
  }
  made->next = blocks;
  blocks = made;
  return made->content;
}

void runner_free_all(void) {
  while (blocks) {
    block *next = blocks->next;
    free(blocks);
    blocks = next;
  }
}

char *runner_copy(const void *text, size_t len) {
  char *copy = runner_alloc(len + 1);
  if (len) memcpy(copy, text, len);
  return copy;
}

char *runner_vformat(const char *format, va_list arguments) {
  va_list again;
  va_copy(again, arguments);
  int len = vsnprintf(NULL, 0, format, again);
  va_end(again);
  if (len < 0) return runner_copy("", 0);
  char *text = runner_alloc((size_t)len + 1);
  vsnprintf(text, (size_t)len + 1, format, arguments);
  return text;
}

char *runner_format(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  char *text = runner_vformat(format, arguments);
  va_end(arguments);
  return text;
}

/* ---- Writing ---- */

const char *runner_quote_text(const char *text, size_t len) {
  /* \u0000 is the longest that a byte becomes. */
  size_t room = 3;
  for (size_t i = 0; i < len; i++) {
    unsigned char byte = (unsigned char)text[i];
    room += byte < 0x20 ? 6 : byte == '"' || byte == '\\' ? 2 : 1;
  }
  char *quoted = runner_alloc(room), *to = quoted;
  *to++ = '"';
  for (size_t i = 0; i < len; i++) {
    unsigned char byte = (unsigned char)text[i];
    if (byte < 0x20) {
      static const char hex[] = "0123456789abcdef";
      memcpy(to, "\\u00", 4);
      to[4] = hex[byte >> 4];
      to[5] = hex[byte & 15];
      to += 6;
    } else {
      if (byte == '"' || byte == '\\') *to++ = '\\';
      *to++ = (char)byte;
    }
  }
  *to = '"';
  return quoted;
}

const char *runner_quote(const char *text) { return runner_quote_text(text, strlen(text)); }

/* ---- Reading ---- */

/* What is left of the text. */
typedef struct reader {
  const char *at, *end;
} reader;

/* Levels of arrays and objects: each takes some of the stack. */
#define LEVELS 512

static void space(reader *r) {
  while (r->at < r->end && memchr(" \t\r\n", *r->at, 4)) r->at++;
}

static bool take(reader *r, char wanted) {
  if (r->at < r->end && *r->at == wanted) {
    r->at++;
    return true;
  }
  return false;
}

static bool digits(reader *r) {
  const char *from = r->at;
  while (r->at < r->end && *r->at >= '0' && *r->at <= '9') r->at++;
  return r->at > from;
}

static bool number(reader *r) {
  take(r, '-');
  if (!take(r, '0') && !digits(r)) return false;
  if (take(r, '.') && !digits(r)) return false;
  if (r->at < r->end && (*r->at == 'e' || *r->at == 'E')) {
    r->at++;
    if (!take(r, '+')) take(r, '-');
    return digits(r);
  }
  return true;
}

static int hex4(const char *at, const char *end) {
  if (end - at < 4) return -1;
  int code = 0;
  for (int i = 0; i < 4; i++) {
    char c = at[i];
    int digit = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
    if (digit < 0) return -1;
    code = code * 16 + digit;
  }
  return code;
}

static bool string(reader *r) {
  if (!take(r, '"')) return false;
  while (r->at < r->end) {
    unsigned char byte = (unsigned char)*r->at++;
    if (byte == '"') return true;
    if (byte < 0x20) return false;
    if (byte != '\\') continue;
    if (r->at == r->end) return false;
    char escape = *r->at++;
    if (escape == 'u') {
      if (hex4(r->at, r->end) < 0) return false;
      r->at += 4;
    } else if (!memchr("\"\\/bfnrt", escape, 8)) {
      return false;
    }
  }
  return false;
}

static bool word(reader *r, const char *text) {
  size_t len = strlen(text);
  if ((size_t)(r->end - r->at) < len || memcmp(r->at, text, len)) return false;
  r->at += len;
  return true;
}

static bool value(reader *r, int levels);

/* The elements of an array, or the fields of an object. */
static bool elements(reader *r, char close, int levels) {
  if (levels == 0) return false;
  r->at++;
  space(r);
  if (take(r, close)) return true;
  do {
    if (close == '}') {
      space(r);
      if (!string(r)) return false;
      space(r);
      if (!take(r, ':')) return false;
    }
    if (!value(r, levels - 1)) return false;
  } while (take(r, ','));
  return take(r, close);
}

/* A value with the space around it. */
static bool value(reader *r, int levels) {
  space(r);
  if (r->at == r->end) return false;
  bool fits;
  switch (*r->at) {
    case '{': fits = elements(r, '}', levels); break;
    case '[': fits = elements(r, ']', levels); break;
    case '"': fits = string(r); break;
    case 't': fits = word(r, "true"); break;
    case 'f': fits = word(r, "false"); break;
    case 'n': fits = word(r, "null"); break;
    default: fits = number(r);
  }
  if (fits) space(r);
  return fits;
}

static const runner_json nothing = {NULL, 0};

runner_json runner_parse(const char *text, size_t len) {
  reader r = {text, text + len};
  space(&r);
  const char *from = r.at;
  if (!value(&r, LEVELS) || r.at != r.end) {
    runner_set_error("invalid", runner_format("this is not JSON: byte %zu of %zu",
                                              (size_t)(r.at - text), len));
    return nothing;
  }
  const char *to = r.end;
  while (to > from && memchr(" \t\r\n", to[-1], 4)) to--;
  return (runner_json){from, (size_t)(to - from)};
}

runner_json runner_payload(const runner_job *job) {
  runner_json payload = runner_parse(job->data, job->data_len);
  if (!payload.at) {
    runner_set_error("invalid", runner_format("the payload is not JSON: %.64s", job->data));
  }
  return payload;
}

char runner_kind(runner_json value) {
  if (!value.at) return 0;
  char first = *value.at;
  return first == '-' || (first >= '0' && first <= '9') ? '0' : first;
}

/* The next element. The text has been checked. `key` is that of a field. */
static bool next(reader *r, bool fields, runner_json *key, runner_json *element) {
  space(r);
  if (r->at == r->end || *r->at == ']' || *r->at == '}') return false;
  take(r, ',');
  space(r);
  if (fields) {
    key->at = r->at;
    string(r);
    key->len = (size_t)(r->at - key->at);
    space(r);
    take(r, ':');
    space(r);
  }
  element->at = r->at;
  if (!value(r, LEVELS)) return false;
  const char *to = r->at;
  while (to > element->at && memchr(" \t\r\n", to[-1], 4)) to--;
  element->len = (size_t)(to - element->at);
  return true;
}

runner_json runner_get(runner_json object, const char *name) {
  if (runner_kind(object) != '{') return nothing;
  reader r = {object.at + 1, object.at + object.len};
  runner_json key, element, found = nothing;
  size_t name_len = strlen(name);
  while (next(&r, true, &key, &element)) {
    bool same = key.len == name_len + 2 && !memcmp(key.at + 1, name, name_len);
    if (!same && memchr(key.at, '\\', key.len)) {
      size_t len;
      const char *text = runner_string(key, &len);
      same = len == name_len && !memcmp(text, name, len);
    }
    if (same) found = element;
  }
  return found;
}

runner_json runner_at(runner_json array, size_t index) {
  if (runner_kind(array) != '[') return nothing;
  reader r = {array.at + 1, array.at + array.len};
  runner_json element;
  while (next(&r, false, NULL, &element)) {
    if (index-- == 0) return element;
  }
  return nothing;
}

size_t runner_count(runner_json value) {
  char kind = runner_kind(value);
  if (kind != '{' && kind != '[') return 0;
  reader r = {value.at + 1, value.at + value.len};
  runner_json key, element;
  size_t count = 0;
  while (next(&r, kind == '{', &key, &element)) count++;
  return count;
}

static char *utf8(char *to, uint32_t code) {
  if (code < 0x80) {
    *to++ = (char)code;
  } else if (code < 0x800) {
    *to++ = (char)(0xC0 | code >> 6);
    *to++ = (char)(0x80 | (code & 63));
  } else if (code < 0x10000) {
    *to++ = (char)(0xE0 | code >> 12);
    *to++ = (char)(0x80 | (code >> 6 & 63));
    *to++ = (char)(0x80 | (code & 63));
  } else {
    *to++ = (char)(0xF0 | code >> 18);
    *to++ = (char)(0x80 | (code >> 12 & 63));
    *to++ = (char)(0x80 | (code >> 6 & 63));
    *to++ = (char)(0x80 | (code & 63));
  }
  return to;
}

const char *runner_string(runner_json value, size_t *len) {
  if (len) *len = 0;
  if (runner_kind(value) != '"') return NULL;
  const char *at = value.at + 1, *end = value.at + value.len - 1;
  char *text = runner_alloc(value.len), *to = text;
  while (at < end) {
    if (*at != '\\') {
      *to++ = *at++;
      continue;
    }
    char escape = at[1];
    at += 2;
    switch (escape) {
      case 'b': *to++ = '\b'; continue;
      case 'f': *to++ = '\f'; continue;
      case 'n': *to++ = '\n'; continue;
      case 'r': *to++ = '\r'; continue;
      case 't': *to++ = '\t'; continue;
      case 'u': break;
      default: *to++ = escape; continue;
    }
    uint32_t code = (uint32_t)hex4(at, end);
    at += 4;
    if (code >= 0xD800 && code < 0xE000) {
      bool low = code < 0xDC00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u';
      int second = low ? hex4(at + 2, end) : -1;
      if (second >= 0xDC00 && second < 0xE000) {
        code = 0x10000 + ((code - 0xD800) << 10) + ((uint32_t)second - 0xDC00);
        at += 6;
      } else {
        code = 0xFFFD;
      }
    }
    to = utf8(to, code);
  }
  if (len) *len = (size_t)(to - text);
  return text;
}

const char *runner_text(runner_json value) {
  return value.at ? runner_copy(value.at, value.len) : NULL;
}

/* A whole number: sign and digits alone. */
static bool whole(runner_json value) {
  return runner_kind(value) == '0' && !memchr(value.at, '.', value.len) &&
         !memchr(value.at, 'e', value.len) && !memchr(value.at, 'E', value.len);
}

bool runner_u64(runner_json value, uint64_t *number) {
  if (!whole(value) || *value.at == '-') return false;
  errno = 0;
  *number = strtoull(runner_text(value), NULL, 10);
  return errno == 0;
}

bool runner_s64(runner_json value, int64_t *number) {
  if (!whole(value)) return false;
  errno = 0;
  *number = strtoll(runner_text(value), NULL, 10);
  return errno == 0;
}

bool runner_double(runner_json value, double *number) {
  if (runner_kind(value) != '0') return false;
  *number = strtod(runner_text(value), NULL);
  return true;
}

bool runner_bool(runner_json value, bool *truth) {
  char kind = runner_kind(value);
  *truth = kind == 't';
  return kind == 't' || kind == 'f';
}
