package runner

import (
	"context"
	"log/slog"
	"time"

	"runner.dev/sdk/internal/host"
)

// LevelTrace is below slog.LevelDebug: steps that only the author cares about.
const LevelTrace = slog.LevelDebug - 4

// LogHandler writes records of log/slog to the job's log and to Runner's own, with their
// attributes as fields; groups are names before a dot. It is the default of log/slog in
// a component, so that slog.Info and log.Print reach the job's log.
type LogHandler struct {
	prefix string
	fields []host.Pair
}

// Enabled is true for every level: what is kept, Runner decides.
func (h *LogHandler) Enabled(context.Context, slog.Level) bool { return true }

// Handle writes one line.
func (h *LogHandler) Handle(_ context.Context, record slog.Record) error {
	fields := h.fields[:len(h.fields):len(h.fields)]
	record.Attrs(func(attribute slog.Attr) bool {
		fields = appendFields(fields, h.prefix, attribute)
		return true
	})
	host.Get().Log(levelOf(record.Level), record.Message, fields)
	return nil
}

// WithAttrs returns a handler whose lines all have these fields.
func (h *LogHandler) WithAttrs(attributes []slog.Attr) slog.Handler {
	fields := h.fields[:len(h.fields):len(h.fields)]
	for _, attribute := range attributes {
		fields = appendFields(fields, h.prefix, attribute)
	}
	return &LogHandler{h.prefix, fields}
}

// WithGroup returns a handler whose further fields are in a group.
func (h *LogHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return &LogHandler{h.prefix + name + ".", h.fields}
}

func appendFields(fields []host.Pair, prefix string, attribute slog.Attr) []host.Pair {
	value := attribute.Value.Resolve()
	switch {
	case attribute.Equal(slog.Attr{}):
		return fields
	case value.Kind() == slog.KindGroup:
		if attribute.Key != "" {
			prefix += attribute.Key + "."
		}
		for _, inner := range value.Group() {
			fields = appendFields(fields, prefix, inner)
		}
		return fields
	case value.Kind() == slog.KindTime:
		return append(fields, host.Pair{Name: prefix + attribute.Key, Value: value.Time().Format(time.RFC3339Nano)})
	}
	return append(fields, host.Pair{Name: prefix + attribute.Key, Value: value.String()})
}

func levelOf(level slog.Level) host.Level {
	switch {
	case level < slog.LevelDebug:
		return host.Trace
	case level < slog.LevelInfo:
		return host.Debug
	case level < slog.LevelWarn:
		return host.Info
	case level < slog.LevelError:
		return host.Warn
	}
	return host.Error
}
