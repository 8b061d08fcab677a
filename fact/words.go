package fact

import (
	"strconv"
	"strings"
)

// The small helpers that sentences are made of.

func words(s string) string { return strings.ReplaceAll(s, "_", " ") }

// nouns are the kinds of objects in words with an article; others are named as they are.
var nouns = map[string]string{
	"rootcause": "the root cause analysis", "project": "the project", "service": "the service", "person": "the person", "team": "the team",
	"schedule": "the schedule", "policy": "the escalation policy", "route": "the route", "plan": "the incident plan",
	"component": "the component", "window": "the maintenance", "article": "the article", "action": "the action",
	"incident": "the incident", "alert": "the alert", "page": "the page", "post": "the public update", "key": "the intake key",
	"token": "the API token", "webhook": "the webhook", "provider": "the identity provider", "template": "the text",
}

func nounOf(kind string) string {
	if n, ok := nouns[strings.ToLower(kind)]; ok {
		return n
	}
	return "the " + words(kind)
}

// article puts "a" or "an" before a word.
func article(word string) string {
	if strings.ContainsRune("aeiou", rune((word + " ")[0])) {
		return "an " + word
	}
	return "a " + word
}

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

func how(edge string) string {
	switch edge {
	case "enabled", "masked", "amplified":
		return ": it " + edge + " it"
	}
	return ""
}

// postWords says a public update's status as users read it.
func postWords(status string) string {
	switch status {
	case "investigating":
		return "we are looking into it"
	case "identified":
		return "we know the cause"
	case "monitoring":
		return "a remedy is in place"
	case "resolved":
		return "it is over"
	}
	return words(status)
}
