package identityweb

import "strings"

// device says what a User-Agent header probably means, for somebody who looks for a session that is not theirs.
func device(agent string) string {
	pick := func(pairs ...[2]string) string {
		for _, p := range pairs {
			if strings.Contains(agent, p[0]) {
				return p[1]
			}
		}
		return ""
	}
	// The order matters: most browsers name those that they want to be taken for.
	browser := pick([2]string{"Edg", "Edge"}, [2]string{"OPR/", "Opera"}, [2]string{"Firefox", "Firefox"}, [2]string{"Chrom", "Chrome"},
		[2]string{"Safari", "Safari"}, [2]string{"curl", "curl"}, [2]string{"Go-http-client", "a Go program"})
	system := pick([2]string{"Android", "Android"}, [2]string{"iPhone", "iPhone"}, [2]string{"iPad", "iPad"}, [2]string{"Windows", "Windows"},
		[2]string{"Mac OS", "macOS"}, [2]string{"Linux", "Linux"}, [2]string{"CrOS", "ChromeOS"})
	switch {
	case browser == "" && system == "":
		return "an unknown program"
	case browser == "":
		return system
	case system == "":
		return browser
	}
	return browser + " on " + system
}
