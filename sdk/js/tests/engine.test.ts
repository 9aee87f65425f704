// What the SDK adds to QuickJS, beside what Node has of the same name.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { structuredClone as clone } from '../src/engine/clone.ts';
import { TextDecoder as Decoder, TextEncoder as Encoder } from '../src/engine/encoding.ts';
import { AbortController as Controller, AbortSignal as Signal } from '../src/engine/events.ts';
import * as web from '../src/engine/fetch.ts';
import { drain, later, PromiseClass, state, unhandled } from '../src/engine/promise.ts';
import { getRandomValues, random, randomUUID, reseed } from '../src/engine/random.ts';
import { URLSearchParams as Params } from '../src/engine/search_params.ts';
import { URL as Url } from '../src/engine/url.ts';
import { format, inspect } from '../src/inspect.ts';
import { Host } from '../src/testing.ts';
import { frames, useMap } from '../src/trace.ts';

const PARTS = ['href', 'origin', 'protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname', 'search', 'hash'] as const;

/** All parts, or that it is no URL. */
function parts(make: () => URL | Url) {
  try {
    const url = make();
    return Object.fromEntries(PARTS.map(part => [part, url[part]]));
  } catch {
    return 'invalid';
  }
}

test('URLs are those of Node', () => {
  const bases = [undefined, 'https://user:pw@example.com:8443/a/b/c?q=1#f', 'file:///home/u/x', 'mailto:a@b'];
  const urls = `https://example.com|HTTPS://EXAMPLE.com:443/%7Efoo/../bar|http://a.b/?x=a b&y='"<>#z"<>|/rooted|rel/x|../up|../../../../x|?only|#frag||//other/x|
    https:rel|https:/one|https:\\\\back\\slash|http://1.2.3.4|http://0x7f.1|http://127.1|http://256.1.1.1|http://1.2.3.4.5|http://[::1]:80/|http://[1:2::3:0:0:8]|http://[::1|
    http://[::ffff:1.2.3.4]|http://user@:pw@host/|http://us er:p@ss@h/|http://exämple.com/ü?ö#ä|http://a%20b/|http://a b/|http://%41.com|http://:80|http://h:99999|http://h:x|
    http://h:0080/|mailto:x@y.z?subject=a b|data:text/plain,a b#c|javascript:alert(1)|foo://h:1/a/../b?q|foo:/a/./b|foo:opaque path|file:///C:/x/../..|file://host/p|file:/x|
    file:x|http:|https://|://x|1http://x|http://h/a%2e%2e/b/%2E%2e/c|http://h/\t a\nb|  http://h/  |http://xn--exmple-cua.com|http://faß.de|http://日本語.jp|ws://h:80/|http://h?|http://h#|
    http://a.b.|http://a..b|http://h/a;b=c/d|http://h//x//y|http://h/{}|\``.split('|').map(url => url.replace(/^\n\s*/, ''));
  for (const base of bases) {
    for (const url of urls) {
      assert.deepEqual(parts(() => new Url(url, base)), parts(() => new URL(url, base)), `${JSON.stringify(url)} against ${base}`);
    }
  }
  const mine = new Url('http://h/p?a=1');
  const node = new URL('http://h/p?a=1');
  for (const url of [mine, node]) {
    url.searchParams.append('b', 'x y');
    url.hash = 'f';
    url.port = '8080';
    url.pathname = 'new path';
    url.protocol = 'https';
    url.hostname = 'Other.example';
    url.username = 'me';
  }
  assert.equal(mine.href, node.href);
  mine.search = node.search = '?c=d&c=e';
  assert.deepEqual(mine.searchParams.getAll('c'), node.searchParams.getAll('c'));
  assert.equal(Url.canParse('x'), false);
});

test('search parameters are those of Node', () => {
  for (const init of ['', '?a=1&b=2&a=3', 'a=%zz&b=+x+&=y&z', [['x', 'é!~*\'()'], ['x', '2']], { a: '1' }]) {
    const [mine, node] = [new Params(init as never), new URLSearchParams(init as never)];
    for (const params of [mine, node]) {
      params.set('a', 'new');
      params.append('q', '&=');
      params.delete('b');
      params.sort();
    }
    assert.deepEqual([...mine], [...node]);
    assert.equal(String(mine), String(node));
    assert.equal(mine.has('q', '&='), true);
  }
});

test('text is encoded and decoded as Node does it', () => {
  const texts = ['', 'abc', 'é😀\ud800x', '\ufeffbom', 'a'.repeat(10_000) + 'ü'];
  for (const text of texts) assert.deepEqual(new Encoder().encode(text), new TextEncoder().encode(text));
  const broken = [[0xff], [0xc3], [0xe2, 0x82], [0xf0, 0x9f, 0x98], [0x61, 0x80, 0x62], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xc0, 0x80], [0xef, 0xbb, 0xbf, 0x41]];
  for (const bytes of [...broken, ...texts.map(text => [...new TextEncoder().encode(text)])]) {
    const data = Uint8Array.from(bytes);
    for (const label of ['utf-8', 'utf-16le']) {
      assert.equal(new Decoder(label).decode(data), new TextDecoder(label).decode(data), `${label} ${bytes.slice(0, 9).join()}`);
    }
    const [mine, node] = [new Decoder(), new TextDecoder()];
    const piece = (of: { decode(data?: Uint8Array, o?: object): string }) =>
      [...data].map(byte => of.decode(Uint8Array.of(byte), { stream: true })).join('') + of.decode();
    if (bytes.length < 20) assert.equal(piece(mine), piece(node as never));
  }
  assert.equal(new Decoder('latin1').decode(Uint8Array.of(0x61, 0x82, 0xe9)), 'a\u201a\u00e9');
  assert.throws(() => new Decoder('utf-8', { fatal: true }).decode(Uint8Array.of(0xff)), TypeError);
  assert.throws(() => new Decoder('nonsense'), RangeError);
});

test('clones are those of Node', () => {
  const circle: Record<string, unknown> = { date: new Date(7), map: new Map([[{ a: 1 }, new Set([1n])]]), re: /x/gi, bytes: Uint8Array.of(1, 2), list: [1, , 3], nan: Number.NaN };
  circle['self'] = circle;
  assert.deepEqual(clone(circle), structuredClone(circle));
  assert.notEqual(clone(circle)['date'], circle['date']);
  const error = clone(new RangeError('x', { cause: [1] }));
  assert.deepEqual([error instanceof RangeError, error.message, error.cause], [true, 'x', [1]]);
  for (const value of [() => 1, Symbol('x'), Promise.resolve()]) assert.throws(() => clone(value), { name: 'DataCloneError' });
});

test('promises settle in the order of Node\'s', async () => {
  const story = async (P: PromiseConstructor, finish: () => void | Promise<void>) => {
    const said: unknown[] = [];
    const say = (word: unknown) => () => void said.push(word);
    P.resolve().then(say(1)).then(say(2)).then(say(3));
    new P(resolve => resolve(P.resolve('x') as never)).then(value => said.push(value));
    P.reject(new Error('no')).catch(error => said.push((error as Error).message)).finally(say('finally'));
    P.resolve({ then: (resolve: (value: string) => void) => resolve('thenable') } as never).then(value => said.push(value));
    P.all([1, P.resolve(2), { then: (resolve: (n: number) => void) => resolve(3) }]).then(all => said.push(all));
    P.all([]).then(all => said.push(all));
    P.allSettled([P.reject(1), 2]).then(all => said.push(all));
    P.any([P.reject(1), P.resolve(2)]).then(first => said.push(first));
    P.any([P.reject(1)]).catch(error => said.push((error as AggregateError).errors));
    P.race([new P(() => {}), P.resolve('race')]).then(first => said.push(first));
    P.resolve(1).finally(() => P.reject(2)).catch(error => said.push(['finally', error]));
    const loop: Promise<unknown> = new P(resolve => P.resolve().then(() => resolve(loop)));
    loop.catch(error => said.push((error as Error).constructor.name));
    await finish();
    return said;
  };
  const native = await story(Promise, () => new Promise(done => setTimeout(done, 5)));
  const mine = await story(PromiseClass, drain);
  assert.deepEqual(mine, native);
  class Sub extends PromiseClass<number> {}
  assert.ok(Sub.resolve(1).then(() => 2) instanceof Sub);
  const lost = PromiseClass.reject(new Error('lost'));
  assert.deepEqual(unhandled().map(String), ['Error: lost']);
  assert.equal(state(lost).state, 'rejected');
  later(() => { throw new Error('from a microtask'); });
  assert.throws(drain, /from a microtask/);
});

test('requests, responses and forms', async () => {
  const request = new web.Request('https://h/p#f', { method: 'post', body: new Params({ a: '1 2' }), headers: { 'X-A': ' b ' } });
  assert.deepEqual([request.method, request.url, request.headers.get('x-a'), await request.text()], ['POST', 'https://h/p', 'b', 'a=1+2']);
  await assert.rejects(request.text(), /was read already/);
  assert.throws(() => new web.Request('https://h', { body: 'x' }), /a GET request has no content/);
  assert.throws(() => new web.Headers({ 'a b': 'c' }), /Invalid header name/);
  assert.throws(() => new web.Headers({ a: 'c\r\nd: e' }), /Invalid value/);
  const headers = new web.Headers([['b', '1'], ['A', '2'], ['b', '3'], ['Set-Cookie', 'x'], ['set-cookie', 'y']]);
  assert.deepEqual([...headers], [...new Headers([['b', '1'], ['A', '2'], ['b', '3'], ['Set-Cookie', 'x'], ['set-cookie', 'y']])]);
  const response = web.Response.json({ a: 1 }, { status: 201 });
  assert.deepEqual([response.ok, response.clone().status, await response.json()], [true, 201, { a: 1 }]);
  assert.throws(() => new web.Response('x', { status: 204 }), /has no content/);
  const form = new web.FormData();
  form.append('a"b', 'text');
  form.append('file', new web.Blob(['data'], { type: 'text/plain' }), 'x.txt');
  const sent = new web.Request('https://h', { method: 'POST', body: form });
  const node = await new Response(await sent.bytes() as never, { headers: { 'content-type': sent.headers.get('content-type') ?? '' } }).formData();
  assert.equal(node.get('a"b'), 'text');
  assert.equal(await (node.get('file') as File).text(), 'data');
});

test('signals abort once, and together', () => {
  const controller = new Controller();
  const any = Signal.any([controller.signal, Signal.any([])]);
  let calls = 0;
  any.addEventListener('abort', () => calls++);
  controller.abort('why');
  controller.abort('again');
  assert.deepEqual([any.aborted, any.reason, calls], [true, 'why', 1]);
  assert.throws(() => Signal.abort().throwIfAborted(), { name: 'AbortError' });
});

test('random numbers come from the host', () => {
  using _ = new Host();
  const drawn = new Set<unknown>();
  for (let n = 0; n < 100; n++) {
    reseed();
    const value = random();
    assert.ok(value >= 0 && value < 1);
    drawn.add(value).add(randomUUID()).add(String(getRandomValues(new Uint32Array(4))));
  }
  assert.equal(drawn.size, 300);
  assert.match(randomUUID(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.throws(() => getRandomValues(new Uint8Array(65_537)), { name: 'QuotaExceededError' });
});

test('values are shown as Node shows them', () => {
  assert.equal(format(['%s is %d%% of %j', 'x', 5, { a: 1 }, 'rest']), 'x is 5% of {"a":1} rest');
  class Point { x = 1; }
  assert.equal(inspect({ a: [1, 'it\'s'], b: null, c: undefined, d: new Map([['k', 1n]]), e: new Point(), f() {} }),
    "{ a: [ 1, 'it\\'s' ], b: null, c: undefined, d: Map(1) { 'k' => 1n }, e: Point { x: 1 }, f: [Function: f] }");
  const circle: { self?: unknown } = {};
  circle.self = circle;
  assert.equal(inspect(circle), '{ self: [Circular] }');
});

test('frames are told in terms of the sources', () => {
  assert.deepEqual(frames('    at deeper (/bad.js:1:45)\n    at <anonymous> (/bad.js:6:21)\n    at next (native)\n'), ['deeper@/bad.js:1:45', '@/bad.js:6:21']);
  assert.deepEqual(frames('handle@app.js:3:9\n@app.js:4:1\nasync*work@x.js:5:2\n'), ['handle@app.js:3:9', '@app.js:4:1', 'work@x.js:5:2']);
  // Line 2, column 5 of the bundle is line 5, column 3 of a.ts; line 3 is the SDK's.
  useMap(() => ({ sources: ['src/a.ts', ''], lines: ';4 0 4 2;' }));
  assert.deepEqual(frames('f@b.js:2:9\ng@b.js:3:1\n'), ['f@src/a.ts:5:3']);
});
