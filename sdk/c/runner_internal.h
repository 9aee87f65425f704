/* What the files of the SDK share with each other; not for plugins. */
#ifndef RUNNER_INTERNAL_H
#define RUNNER_INTERNAL_H

#include <stdarg.h>
#include <stddef.h>

/* A copy with a NUL byte at the end, of the job's memory. */
char *runner_copy(const void *text, size_t len);
char *runner_vformat(const char *format, va_list arguments);
/* What runner_error and runner_error_kind say. */
void runner_set_error(const char *kind, const char *message);
/* The end of the job. */
void runner_free_all(void);

#endif
