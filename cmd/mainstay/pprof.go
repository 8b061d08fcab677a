//go:build pprof

package main

import (
	"log"
	"net/http"
	_ "net/http/pprof" // registers its pages
	"os"
)

// A binary built with -tags pprof serves its profiles on the address in MAINSTAY_PPROF. Released binaries have none of it.
func init() {
	if addr := os.Getenv("MAINSTAY_PPROF"); addr != "" {
		go func() { log.Print(http.ListenAndServe(addr, nil)) }() //nolint:gosec // for a developer, on loopback
	}
}
