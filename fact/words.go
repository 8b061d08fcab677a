package fact

import (
	"strconv"
	"strings"
)

// The small helpers that sentences are made of.

func words(s string) string { return strings.ReplaceAll(s, "_", " ") }

func itoa(n int) string { return strconv.Itoa(n) }

func when(yes bool, s string) string {
	if yes {
		return s
	}
	return ""
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func list(l []string) string {
	if len(l) == 0 {
		return ""
	}
	return ": " + strings.Join(l, ", ")
}

func endReason(r string) string {
	switch r {
	case "timeout":
		return ": its sender fell silent"
	case "person":
		return ": a person ended it"
	}
	return ""
}

func again(repeat int) string {
	if repeat == 0 {
		return ""
	}
	return " again (round " + itoa(repeat+1) + ")"
}

func reached(n int) string {
	switch n {
	case 0:
		return " and reached nobody"
	case 1:
		return " and paged 1 person"
	}
	return " and paged " + itoa(n) + " people"
}

func via(v string) string {
	switch v {
	case "mail":
		return " from the mail"
	case "api":
		return " over the API"
	}
	return ""
}
