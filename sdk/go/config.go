package runner

import (
	"runner.dev/sdk/internal/host"
)

// Config returns a setting under config of [plugins.<name>] in queues.toml: a string as
// it is, any other value as JSON.
func Config(key string) (value string, ok bool) { return host.Get().Config(key) }

// ConfigAll returns all settings.
func ConfigAll() map[string]string {
	all := map[string]string{}
	for _, setting := range host.Get().ConfigAll() {
		all[setting.Name] = setting.Value
	}
	return all
}

// RequireConfig returns a setting that the plugin cannot do without. The error is a
// [Reject] that says how to set it.
func RequireConfig(key string) (string, error) {
	value, ok := Config(key)
	if !ok {
		return "", Reject("the setting %q is missing; add it to config under [plugins.<name>] in queues.toml", key)
	}
	return value, nil
}

// ConfigJSON returns a setting that is a number, a list or a table; the zero value if it
// is not set. The error is a [Reject]: it does not fit.
func ConfigJSON[T any](key string) (T, error) {
	var value T
	text, ok := Config(key)
	if !ok {
		return value, nil
	}
	if err := decode([]byte(text), &value); err != nil {
		return value, Reject("the setting %q does not fit%w", key, err)
	}
	return value, nil
}

// Secret returns a secret under secrets of [plugins.<name>]. Runner never stores it in
// Redis, and replaces it by [redacted] in log lines, errors, progress and results.
func Secret(name string) (value string, ok bool) { return host.Get().Secret(name) }

// RequireSecret returns a secret that the plugin cannot do without. The error is a
// [Reject] that says how to grant it.
func RequireSecret(name string) (string, error) {
	value, ok := Secret(name)
	if !ok {
		return "", Reject("the secret %q is not granted; add `secrets = { %s = \"env:%s\" }` under [plugins.<name>] in queues.toml", name, name, name)
	}
	return value, nil
}
