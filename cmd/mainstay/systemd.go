package main

import (
	"net"
	"os"
)

// tellSystemd sends a state such as READY=1 to the service manager that started this process, if one did and asked for it.
// The protocol is one datagram to the socket named by NOTIFY_SOCKET, sd_notify(3).
func tellSystemd(state string) error {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return nil
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"}) // "@name" is an abstract one
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	_, err = c.Write([]byte(state))
	return err
}
