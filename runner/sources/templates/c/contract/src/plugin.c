/* {{name}}: takes the jobs of {{contract}}.
 *
 * The types are in plugin.h, which `runner build` generates from the contract. What a
 * function gives back in `ret` is freed after it: make its texts with plugin_string_dup
 * and its lists with malloc. `runner_current()` has the job's id and attempt. */
#include "plugin.h"
#include "runner.h"

#include <stdio.h>
#include <stdlib.h>

{{functions}}
