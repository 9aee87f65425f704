import { defineHandler, Reject } from '@runner/sdk';

interface Person {
  name: string;
}

export default defineHandler<Person, { greeting: string }>(async job => {
  const { name } = job.data;
  if (typeof name !== 'string') throw new Reject('the payload has no name');
  console.log(`greeting ${name}`);
  return { greeting: `hello ${name}` };
});
