package backup

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// appendRow writes a row as one line of JSON: an array with null, text, numbers and booleans; bytes are base64. Text that is no
// UTF-8, which SQLite may hold, is {"base64": "…"}.
func appendRow(b []byte, values []any) ([]byte, error) {
	b = append(b, '[')
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		switch v := v.(type) {
		case nil:
			b = append(b, "null"...)
		case bool:
			b = strconv.AppendBool(b, v)
		case int64:
			b = strconv.AppendInt(b, v, 10)
		case float64:
			b = strconv.AppendFloat(b, v, 'g', -1, 64)
		case []byte:
			b = append(b, '"')
			b = base64.StdEncoding.AppendEncode(b, v)
			b = append(b, '"')
		case string:
			b = appendText(b, v)
		default:
			return b, fmt.Errorf("a value of a copy cannot be %T", v)
		}
	}
	return append(b, ']', '\n'), nil
}

func appendText(b []byte, s string) []byte {
	if !utf8.ValidString(s) {
		b = append(b, `{"base64":"`...)
		b = base64.StdEncoding.AppendEncode(b, []byte(s))
		return append(b, `"}`...)
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] == '"' || s[i] == '\\' {
			quoted, _ := json.Marshal(s) // text that is UTF-8 always can be
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

var errRow = errors.New("a row is damaged")

// parseRow reads what appendRow wrote. types say what each value is.
func parseRow(line []byte, types []string) ([]any, error) {
	values := make([]any, len(types))
	rest, ok := bytes.CutPrefix(line, []byte("["))
	for i := range types {
		if i > 0 && ok {
			rest, ok = bytes.CutPrefix(rest, []byte(","))
		}
		if !ok {
			return nil, errRow
		}
		token, after := cut(rest)
		v, err := parseValue(token, types[i])
		if err != nil {
			return nil, err
		}
		values[i], rest = v, after
	}
	if !ok || string(rest) != "]" {
		return nil, errRow
	}
	return values, nil
}

// cut splits the first value off.
func cut(b []byte) (token, rest []byte) {
	end := 0
	switch {
	case len(b) == 0:
	case b[0] == '"':
		for end = 1; end < len(b) && b[end] != '"'; end++ {
			if b[end] == '\\' {
				end++
			}
		}
		end = min(end+1, len(b))
	case b[0] == '{':
		end = bytes.IndexByte(b, '}') + 1
	default:
		for end < len(b) && b[end] != ',' && b[end] != ']' {
			end++
		}
	}
	return b[:end], b[end:]
}

func parseValue(token []byte, kind string) (any, error) {
	if string(token) == "null" {
		return nil, nil //nolint:nilnil // null is a value
	}
	switch kind {
	case "integer":
		return whole(strconv.ParseInt(string(token), 10, 64))
	case "number":
		return whole(strconv.ParseFloat(string(token), 64))
	case "boolean":
		if s := string(token); s == "true" || s == "false" {
			return s == "true", nil
		}
	case "bytes":
		if n := len(token); n >= 2 && token[0] == '"' && token[n-1] == '"' {
			return whole(base64.StdEncoding.DecodeString(string(token[1 : n-1])))
		}
	case "text":
		return parseText(token)
	}
	return nil, errRow
}

func parseText(token []byte) (any, error) {
	n := len(token)
	switch {
	case n >= 2 && token[0] == '{':
		var odd struct {
			Base64 []byte `json:"base64"`
		}
		if json.Unmarshal(token, &odd) != nil {
			return nil, errRow
		}
		return string(odd.Base64), nil
	case n < 2 || token[0] != '"' || token[n-1] != '"':
		return nil, errRow
	case bytes.IndexByte(token, '\\') < 0:
		return string(token[1 : n-1]), nil
	}
	var s string
	if json.Unmarshal(token, &s) != nil {
		return nil, errRow
	}
	return s, nil
}

// whole is a value, or that the row is damaged.
func whole[T any](v T, err error) (any, error) {
	if err != nil {
		return nil, errRow
	}
	return v, nil
}
