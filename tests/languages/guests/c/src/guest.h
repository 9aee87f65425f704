/* What the files of the guest share: the jobs, by what they are about. */
#ifndef GUEST_H
#define GUEST_H

#include "runner.h"

/* A field of the payload: a text, "" if it is none; a number, 0 if it is none. */
const char *text_of(const runner_job *job, const char *field);
uint64_t number_of(const runner_job *job, const char *field);
/* A text as JSON, null for NULL. */
const char *quoted(const char *text);

bool calls(const runner_job *job);
bool ends(const runner_job *job);
bool flows(const runner_job *job);
bool machine(const runner_job *job);

/* Whether the job has this name. */
#define IS(name_) (!strcmp(job->name, name_))
/* Nothing here does this job. */
#define UNKNOWN() runner_reject("no job is named %s", job->name)

#endif
