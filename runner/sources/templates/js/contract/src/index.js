// {{name}}: takes the jobs of `{{contract}}`, whose types are in .runner/types/contract.ts.

import { defineHandlers, Reject } from '@runner/sdk';

/** @type {import('@runner/sdk').Plugin} */
export default defineHandlers({
{{handlers}}
});
