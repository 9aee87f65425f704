// {{name}}: takes the jobs of `{{contract}}`.

import { defineHandlers, Reject } from '@runner/sdk';
// Of the contract's WIT files, written anew by each `runner build`.
import type { Jobs } from '@runner/types';

export default defineHandlers<Jobs>({
{{handlers}}
});
