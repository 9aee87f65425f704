import { defineHandler, Reject } from '@runner/sdk';

export default defineHandler(async job => {
  const { name } = job.data;
  if (typeof name !== 'string') throw new Reject('the payload has no name');
  console.log(`greeting ${name}`);
  return { greeting: `hello ${name}` };
});
