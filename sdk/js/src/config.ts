// Settings and secrets that `queues.toml` grants to the plugin.

import { Reject } from './failure.ts';
import { host } from './host.ts';
import { parse } from './json.ts';

/**
 * Settings under `config`:
 *
 * ```toml
 * [plugins.otp-sender]
 * config = { sender = "Example <no-reply@example.com>", pages = 7 }
 * ```
 */
export const config = {
  /** The setting: a string as it is, any other value as JSON text; `undefined` if not set. */
  get(key: string): string | undefined {
    return host('config.get').setting(key);
  },

  /**
   * A setting that the plugin cannot do without.
   *
   * @throws {Reject} When it is not set; says which setting to add.
   */
  require(key: string): string {
    const value = this.get(key);
    if (value !== undefined) return value;
    throw new Reject(
      `the setting "${key}" is missing; add it to config under [plugins.<name>] in queues.toml`,
    );
  },

  /**
   * A setting that is a number, a list, a table, …; `undefined` if not set.
   *
   * @throws {Reject} When it is not JSON.
   */
  json<Value = unknown>(key: string): Value | undefined {
    const text = this.get(key);
    if (text === undefined) return undefined;
    try {
      return parse(text) as Value;
    } catch (error) {
      throw new Reject(`the setting "${key}" is not JSON: ${text}`, { cause: error });
    }
  },

  /** All settings by name, as `get` returns them. */
  all(): Record<string, string> {
    return Object.fromEntries(host('config.all').settings());
  },
};

/**
 * Secrets under `secrets`:
 *
 * ```toml
 * [plugins.otp-sender]
 * secrets = { RESEND_API_KEY = "env:RESEND_API_KEY" }
 * ```
 *
 * Runner replaces a secret by `[redacted]` wherever the plugin lets it out, except in what
 * it sends on purpose, by HTTP, in a job or in a step.
 */
export const secret = {
  /** The secret; `undefined` if it is not granted or not set. */
  get(name: string): string | undefined {
    return host('secret.get').secret(name);
  },

  /**
   * A secret that the plugin cannot do without.
   *
   * @throws {Reject} When it is not granted; says how to grant it.
   */
  require(name: string): string {
    const value = this.get(name);
    if (value !== undefined) return value;
    throw new Reject(
      `the secret "${name}" is not granted; add \`secrets = { ${name} = "env:${name}" }\` under [plugins.<name>] in queues.toml`,
    );
  },
};
