package web

import (
	"net/http"
	"net/netip"
	"strings"
)

// hops are the addresses that proxies say a request came through, the client first: of X-Forwarded-For, else of Forwarded (RFC 7239).
// Anybody can write them; ClientIP believes as many as trusted proxies wrote.
func hops(h http.Header) []string {
	if list := h.Values("X-Forwarded-For"); len(list) > 0 {
		return strings.Split(strings.Join(list, ","), ",")
	}
	var found []string
	for element := range strings.SplitSeq(strings.Join(h.Values("Forwarded"), ","), ",") {
		node := "unknown" // an element without "for" hides its hop, and the chain ends there
		for pair := range strings.SplitSeq(element, ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
			if strings.EqualFold(name, "for") {
				node = strings.Trim(value, `"`)
			}
		}
		found = append(found, node)
	}
	return found
}

// hop is the address of one hop: with or without a port, IPv6 perhaps in brackets.
func hop(s string) (netip.Addr, error) {
	s = strings.TrimSpace(s)
	if at, err := netip.ParseAddrPort(s); err == nil {
		return at.Addr(), nil
	}
	return netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
}
