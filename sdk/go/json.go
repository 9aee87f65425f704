package runner

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// misfit is why a JSON text does not fit a type, with the path of the place.
type misfit struct {
	path  string // .items[1].quantity
	cause error
}

func (m *misfit) Error() string {
	var kind *json.UnmarshalTypeError
	if errors.As(m.cause, &kind) {
		return fmt.Sprintf("%s: expected %s, found %s", m.path, kind.Type, kind.Value)
	}
	return m.path + ": " + strings.TrimPrefix(m.cause.Error(), "json: ")
}

// decode reads a whole text, with numbers kept as they are written.
func decode(text []byte, v any) error {
	from := json.NewDecoder(bytes.NewReader(text))
	from.UseNumber()
	err := from.Decode(v)
	if err == nil {
		if _, more := from.Token(); more != io.EOF {
			err = fmt.Errorf("text after the value at byte %d", from.InputOffset())
		}
	} else if err == io.EOF {
		err = errors.New("it is empty")
	}
	if err == nil {
		return nil
	}
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &kind):
		return &misfit{pathAt(text, kind.Offset), err}
	case errors.As(err, &syntax), errors.Is(err, io.ErrUnexpectedEOF):
		err = fmt.Errorf("it is not JSON: %w", err)
	}
	return &misfit{"", err}
}

// encode writes a value as JSON. A raw message is a text already: it stays as it is.
func encode(v any) (string, error) {
	if raw, ok := v.(json.RawMessage); ok {
		return string(raw), nil
	}
	var out strings.Builder
	to := json.NewEncoder(&out)
	to.SetEscapeHTML(false)
	err := to.Encode(v)
	return strings.TrimSuffix(out.String(), "\n"), err
}

// pathAt is the path of the value that ends at an offset, or that holds it.
func pathAt(text []byte, offset int64) string {
	type level struct {
		list bool
		n    int    // of a list: the index
		name string // of an object: the field; "" when a name comes next
		some bool
	}
	var path []level
	from := json.NewDecoder(bytes.NewReader(text))
	for {
		token, err := from.Token()
		if err != nil {
			break
		}
		ended := false
		top := len(path) - 1
		switch token {
		case json.Delim('{'), json.Delim('['):
			if from.InputOffset() >= offset {
				break
			}
			path = append(path, level{list: token == json.Delim('[')})
			continue
		case json.Delim('}'), json.Delim(']'):
			path = path[:top]
			ended = true
		default:
			if top >= 0 && !path[top].list && !path[top].some {
				path[top].name, path[top].some = token.(string), true
				continue
			}
			ended = true
		}
		if from.InputOffset() >= offset {
			break
		}
		if top := len(path) - 1; ended && top >= 0 {
			path[top].n++
			path[top].some = false
		}
	}
	var out strings.Builder
	for _, level := range path {
		if level.list {
			fmt.Fprintf(&out, "[%d]", level.n)
		} else {
			out.WriteString("." + level.name)
		}
	}
	return out.String()
}
