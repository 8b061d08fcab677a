package sim

import "time"

// Lighthouse is the booking of ferries, a year under care: it began as Harbour is now, grew, and has learned a few things.
func Lighthouse(zone *time.Location) World {
	return World{
		Name: "lighthouse", Zone: zone, Teller: "ines", Judges: []string{"mira", "jonas", "ana"}, Team: []string{"jonas", "mira", "farid", "samir"},
		Launch: true, Growth: 0.5,
		Rota: []Duty{{"jonas", "farid", "crew"}, {"mira", "jonas", "crew"}, {"farid", "mira", "crew"}, {"samir", "mira", "deck"}},
		Jobs: []string{"booking-backup"},
		Windows: []Routine{
			{Title: "Updating the booking database", Text: "Booking pauses for about five minutes. Tickets that were bought stay valid.", Services: []string{"booking", "database"},
				Parts: []string{"booking"}, Every: 5, Day: time.Sunday, Hour: 4, Minutes: 60, By: "mira"},
			{Title: "New timetable", Text: "Departures after the change can be booked once the work is done.", Services: []string{"timetable"}, Parts: []string{"timetable"},
				Every: 13, Day: time.Wednesday, Hour: 5, Minutes: 90, By: "jonas"},
		},
		Causes: []Cause{
			cardVendor(), badDeploy(), failover(), checkin(), websiteDown(), poolFull(), staleTimetable(), ticketMails(), seatMap(), partnerErrors(), paymentRetries(),
			apiLatency(), slowQueries(), backlog(), podRestarts(), misses(), feedLate(), disks(), bots(),
		},
		Scripted: []Scripted{
			{Before: 205 * 24 * time.Hour, Cause: 0, Grade: "sev-1", Clock: 18}, {Before: 71 * 24 * time.Hour, Cause: 0, Grade: "sev-2", Clock: 11},
			{Before: 330 * 24 * time.Hour, Cause: 1, Grade: "sev-1", Clock: 14}, {Before: 128 * 24 * time.Hour, Cause: 1, Grade: "sev-2", Clock: 15},
			{Before: 160 * 24 * time.Hour, Cause: 2, Grade: "sev-1", Clock: 3}, {Before: 22 * 24 * time.Hour, Cause: 3, Grade: "sev-2", Clock: 7},
		},
		Private: &Trouble{
			Title: "A partner's export held customers' phone numbers", Severity: []string{"sev-2"}, Services: []string{"partners"}, Expert: "mira", Minutes: 95,
			Notes: []string{"happened|One export, sent to one partner on Monday, has a column that the contract does not name.", "action|The partner has deleted the file and confirmed it in writing.",
				"decision|Report to the authority today; tell the 212 customers by letter."},
			Why: []Why{
				{"cause", "process", "The export takes every column of the booking", []Evidence{{"doc", "The export's definition", ""}, {"change", "The column was added in spring", ""}}},
				{"condition", "process", "Nobody is asked when a column with personal data is added", []Evidence{{"doc", "Review checklist, revision 4", ""}}},
			},
			Happened: "An export to a partner held the phone numbers of 212 customers. It was deleted and reported.", Lessons: "- Name what is exported; never export all.",
			Fixes: []Fix{{"Exports name their columns", "An export of a new column fails until it is named.", "jonas", 10, true, 1}},
		},
	}
}

func cardVendor() Cause {
	return Cause{
		Alert: "CardFailures", Service: "payments", Severity: Critical, Summary: "Card payments are refused or time out", Description: "{a} % of the card payments fail; Northgate answers after {b} s.",
		A: [2]int{9, 64}, B: [2]int{6, 30}, Weekly: 0.42, Rhythm: Load, Minutes: 17, Flaps: 0.2, Chance: 0.9,
		Follow: []Alert{
			{Name: "NorthgateErrors", Service: "northgate", Severity: Notice, Summary: "Northgate answers with errors", Description: "503 for {a} % of the requests; their status page says nothing yet."},
			{Name: "BookingErrors", Service: "booking", Severity: Warning, Summary: "Bookings end without a payment", Description: "{a} bookings wait for their payment."},
			{Name: "BookingsLow", Service: "website", Severity: Notice, Summary: "Bookings per minute low", Description: "{b} bookings a minute are fewer than on any such day."},
		},
		Trouble: &Trouble{
			Title: "Northgate refuses card payments|Card payments time out at Northgate|Payments by card fail", Public: "Card payments fail", Severity: []string{"sev-2", "sev-2", "sev-3"}, Minutes: 48, Vendor: "northgate",
			Services: []string{"payments", "northgate", "booking"}, Parts: []string{"paying=major_outage", "booking=partial_outage"}, Expert: "jonas",
			Looking: []string{"Payments by card fail at the moment. You can reserve and pay on board. We are looking into it.",
				"Many card payments do not go through. Your seats are kept for two hours, and you can pay on board."},
			Found: []string{"Our payment provider has an outage. We have asked them for news and keep your reservations without payment.",
				"The failures come from our payment provider. Reservations stay without payment; you can pay on board."},
			Still:    []string{"Our payment provider is still working on it. Reservations stay, and you can pay on board.", "No change yet: about half of the card payments fail. Reservations stay."},
			Watching: []string{"Card payments go through again. We are watching, together with our payment provider."},
			Over:     []string{"Card payments work as before. Whoever reserved meanwhile has a mail with a link to pay.", "Card payments work as before. Nobody was charged twice; we have checked every payment of that time."},
			Notes: []string{"happened|Northgate answers 503, their status page is green. Case 4{a}77 opened by phone.", "decision|Allow reservations without payment until this is over.",
				"happened|Northgate confirms: one of their regions is down.", "action|Sent our traffic to their second region. Failures at {b} %, falling."},
			Why: []Why{
				{"cause", "vendor", "One region of Northgate was down, and they did not send us to another", []Evidence{{"interview", "Northgate, case 4177: region west, power", "https://northgate.example/incidents/west"}, {"metric", "Failures began in all our offices at once", ""}}},
				{"cause", "technology", "We know one address of Northgate only", []Evidence{{"doc", "Settings of payments: one endpoint", ""}, {"change", "The second endpoint was announced in spring", ""}}},
				{"condition", "vendor", "Their announcements go to an address that nobody reads", []Evidence{{"doc", "Contract, annex 2", ""}}},
			},
			Happened: "Northgate refused {a} % of the card payments. Reservations without payment were allowed, and traffic was sent to their second region by hand.",
			Lessons:  "- Paying on board saved the day for most guests.\n- We saw it eleven minutes before their status page said so.\n- The second region existed; we did not use it.",
			Fixes: []Fix{{"Go to Northgate's second region by itself", "A drill that blocks the first one loses no payment.", "jonas", 40, true, 1}, {"Have Northgate's announcements reach the crew", "A test announcement is read by two people within a day.", "ines", 12, false, 2},
				{"Offer paying on board at once when cards fail", "It is offered a minute after failures pass 20 %.", "farid", 35, false, 1}},
		},
	}
}

func badDeploy() Cause {
	return Cause{
		Alert: "BookingErrors", Service: "booking", Severity: Critical, Summary: "Booking answers with errors", Description: "{a} % of the bookings fail since v3.{b}.0.",
		A: [2]int{2, 38}, B: [2]int{4, 41}, Weekly: 0.8, Rhythm: Deploys, Minutes: 10, Flaps: 0.15, Chance: 0.81, Instances: []string{"booking-1", "booking-2", "booking-3", "booking-4"},
		Trouble: &Trouble{
			Title: "Bookings fail after the deploy of v3.{b}.0|v3.{b}.0 answers bookings with errors", Public: "Some bookings fail", Severity: []string{"sev-2", "sev-3", "sev-3"}, Minutes: 26, Services: []string{"booking"},
			Parts: []string{"booking=partial_outage"}, Expert: "mira",
			Looking:  []string{"Some bookings end with an error. Nothing is charged then, and trying again often works. We are looking into it.", "Booking fails for some of you. Tickets that you have stay valid. We are looking into it."},
			Found:    []string{"The errors began with a change of ours, which we are taking back.", "We know which of our changes causes this and are taking it back."},
			Still:    []string{"The change is being taken back, one part after the other. Fewer bookings fail by the minute."},
			Watching: []string{"Bookings go through again. We are watching."},
			Over:     []string{"Booking works as before. Nobody was charged for a booking that failed.", "Booking works as before. We are sorry for the trouble."},
			Notes: []string{"happened|Errors began with v3.{b}.0, on the new instances only.", "decision|Take it back. Nobody looks for the reason until errors are gone.", "action|Back on the version before, four of four instances.",
				"happened|{a} bookings failed; none of them was charged."},
			Why: []Why{
				{"cause", "technology", "The new version reads prices in another unit than the old one writes", []Evidence{{"log", "price out of range, 4,118 times", ""}, {"change", "v3.{b}.0, the price module", "https://code.lighthouse.example/booking"}}},
				{"cause", "process", "Old and new version run side by side for ten minutes, and are never tested so", []Evidence{{"doc", "Deploy guide, revision 9", ""}, {"timeline", "Errors began with the first new instance and stopped with the last", ""}}},
				{"condition", "process", "The test environment has one instance only", []Evidence{{"doc", "Its definition", ""}}},
			},
			Happened: "A deploy was followed by errors for {a} % of the bookings. It was taken back.", Lessons: "- Taking it back took most of the time: it goes one instance after the other.\n- Two versions side by side are the normal case, not the exception.",
			Fixes: []Fix{{"Test two versions side by side", "A version that cannot live beside the one before fails its test.", "mira", 28, true, 1}, {"Take all instances back at once", "In a drill the version before runs everywhere after two minutes.", "jonas", 20, false, 0},
				{"Give the test environment two instances", "Its definition has two.", "farid", 18, false, 2}},
		},
	}
}

func failover() Cause {
	return Cause{
		Alert: "DatabaseUnreachable", Service: "database", Severity: Critical, Summary: "The booking database does not answer", Description: "No answer for {b} s; {a} connections wait.",
		A: [2]int{40, 400}, B: [2]int{12, 90}, Weekly: 0.18, Rhythm: Night, Minutes: 7, Chance: 0.9,
		Follow: []Alert{{Name: "BookingErrors", Service: "booking", Severity: Critical, Summary: "Booking answers with errors", Description: "Every booking fails: no database."},
			{Name: "TimetableStale", Service: "timetable", Severity: Notice, Summary: "The timetable cannot be read", Description: "It shows the last known one."}},
		Trouble: &Trouble{
			Title: "The booking database changed over and did not come back by itself", Public: "Booking is not possible", Severity: []string{"sev-1", "sev-2"}, Minutes: 34,
			Services: []string{"database", "booking", "timetable"}, Parts: []string{"booking=major_outage", "timetable=degraded_performance", "tickets=degraded_performance"}, Expert: "mira",
			Looking:  []string{"Booking is not possible at the moment. Tickets that you have are valid; at the gate they are checked by eye. We are looking into it."},
			Found:    []string{"The database behind booking has changed over to its second machine, and the booking did not follow. We are bringing it over by hand."},
			Still:    []string{"We are bringing the booking over, step by step, so that no booking is lost."},
			Watching: []string{"Booking works again. We are watching."},
			Over:     []string{"Booking works as before. No booking and no ticket was lost."},
			Notes: []string{"happened|The first machine is gone; Tidewater says hardware. The second one has taken over after 40 s.", "happened|The booking still asks the first one: it keeps the address it knew at its start.",
				"decision|Restart the booking, two instances at a time.", "action|All instances talk to the second machine. No transaction is missing: the last number is the same on both."},
			Why: []Why{
				{"cause", "environment", "A machine of Tidewater failed", []Evidence{{"interview", "Tidewater, ticket 99213", ""}, {"log", "No route to host", ""}}},
				{"cause", "technology", "The booking asks for the address of the database once, at its start", []Evidence{{"log", "Connections to the old address for 31 minutes", ""}, {"doc", "The driver's manual: the address is kept", ""}}},
				{"condition", "process", "The changeover had never been tried with the booking running", []Evidence{{"doc", "Drill of February: database alone", ""}}},
			},
			Happened: "The database changed over in the night; the booking kept asking the old machine and was restarted by hand.",
			Lessons:  "- The changeover itself took 40 seconds. All the rest was ours.\n- A drill that leaves out the users of a thing proves little.",
			Fixes:    []Fix{{"Ask for the address again when the connection breaks", "A changeover in a drill is over after a minute, with the booking running.", "mira", 14, true, 1}, {"Drill the changeover each quarter", "The record of a drill that is less than 100 days old.", "jonas", 25, false, 2}},
		},
	}
}

func checkin() Cause {
	return Cause{
		Alert: "CheckinFails", Service: "checkin", Severity: Critical, Summary: "Tickets cannot be read at the gate", Description: "{a} % of the scans at {b} gates fail.",
		A: [2]int{8, 70}, B: [2]int{2, 6}, Weekly: 0.45, Rhythm: Load, Minutes: 14, Flaps: 0.2, Chance: 0.85,
		Trouble: &Trouble{
			Title: "Tickets cannot be read at {b} gates|The gates do not know tickets of the last hour", Public: "Checking in takes longer", Severity: []string{"sev-2", "sev-3", "sev-3"}, Minutes: 36, Services: []string{"checkin"},
			Parts: []string{"tickets=partial_outage"}, Expert: "farid",
			Looking:  []string{"Checking in takes longer at some gates. Please have your ticket's number ready; nobody is left behind. We are looking into it."},
			Found:    []string{"The readers at some gates have lost their connection. Tickets are checked by number meanwhile.", "Tickets bought today are not known at the gates yet. The crew checks them by number."},
			Still:    []string{"Tickets are still checked by number at some gates. Departures wait for you."},
			Watching: []string{"All gates read tickets again. We are watching."},
			Over:     []string{"Checking in works as usual at all gates. Departures were up to {b} minutes late."},
			Notes:    []string{"happened|Only tickets younger than an hour fail: the gates' copy is old.", "decision|Check by number, and let the ferry wait.", "action|Started the copying anew; the gates know all tickets of today."},
			Why: []Why{
				{"cause", "data", "The copying of tickets to the gates stopped at one ticket without a seat", []Evidence{{"log", "seat missing, ticket 88{a}1", ""}, {"timeline", "It was sold a minute before", ""}}},
				{"condition", "monitoring", "Nobody is told when the copy at the gates is old", []Evidence{{"doc", "Alerts of checkin", ""}}},
			},
			Happened: "The gates did not know the tickets of the last hour. They were checked by number.", Lessons: "- The paper list at the gate works, and takes four times as long.\n- Age of a copy is the thing to watch, not whether copying runs.",
			Fixes: []Fix{{"Warn when the gates' copy is older than five minutes", "It fires when copying is stopped in a drill.", "farid", 11, false, 1}, {"Copy on past a ticket that cannot be copied", "A broken ticket on staging stops no other.", "farid", 30, true, 0}},
		},
	}
}

func websiteDown() Cause {
	return Cause{
		Alert: "WebsiteDown", Service: "website", Severity: Critical, Summary: "The website does not answer", Description: "{a} % of the probes from {b} places fail.",
		A: [2]int{40, 100}, B: [2]int{2, 5}, Weekly: 0.3, Rhythm: Load, Minutes: 8, Flaps: 0.3, Chance: 0.71, Instances: []string{"edge-1", "edge-2"},
		Trouble: &Trouble{
			Title: "The website is out of reach for part of the visitors|Visitors by way of one exchange cannot reach us|{a} % of the probes do not reach the website", Public: "The website is hard to reach", Severity: []string{"sev-2", "sev-3"}, Minutes: 31, Vendor: "tidewater", Services: []string{"website", "tidewater"},
			Parts: []string{"website=partial_outage"}, Expert: "jonas",
			Looking:  []string{"Some of you cannot reach the website. The app works. We are looking into it."},
			Found:    []string{"A network between you and us loses packets. We are sending visitors around it."},
			Still:    []string{"Most of you reach the website again; some still do not. The app works."},
			Watching: []string{"The website can be reached from everywhere we measure. We are watching."},
			Over:     []string{"The website can be reached as usual."},
			Notes:    []string{"happened|Only visitors by way of one exchange are affected; {b} of our probes agree.", "action|Took the route by that exchange out."},
			Why: []Why{
				{"cause", "vendor", "Tidewater loses packets at one exchange", []Evidence{{"metric", "Loss of {a} % at the exchange", ""}, {"interview", "Tidewater: a line card", ""}}},
				{"condition", "monitoring", "Our probes measure once in five minutes", []Evidence{{"doc", "Definition of the probes", ""}}},
			},
			Happened: "Visitors by way of one exchange could not reach the website until the route was taken out.", Lessons: "- A guest told us before our probes did.",
			Fixes: []Fix{{"Probe every 30 seconds from five places", "A blocked place is seen after a minute.", "jonas", 9, true, 1}},
		},
	}
}

func poolFull() Cause {
	return Cause{
		Alert: "ConnectionsNearlyUsedUp", Service: "database", Severity: Warning, Summary: "Nearly all connections to the database are used", Description: "{a} of 200 are used, {b} wait.",
		A: [2]int{181, 199}, B: [2]int{1, 60}, Weekly: 1.3, Rhythm: Load, Minutes: 18, Flaps: 0.25, Chance: 0.24, From: 0.1,
		Trouble: &Trouble{
			Title: "Booking stalls: no free connection to the database|Bookings wait for the database|A report uses the connections that booking needs", Public: "Booking is slow", Severity: []string{"sev-2", "sev-3", "sev-3"}, Minutes: 38, Services: []string{"database", "booking"},
			Parts: []string{"booking=degraded_performance"}, Expert: "mira",
			Looking:  []string{"Booking takes up to a minute. It goes through in the end; please do not start it twice. We are looking into it."},
			Found:    []string{"A report that runs at this time takes too many connections. We have stopped it."},
			Still:    []string{"Booking is getting faster, and is not yet as fast as usual."},
			Watching: []string{"Booking is fast again. We are watching."},
			Over:     []string{"Booking is as fast as before. Bookings that were started twice have been cancelled and paid back."},
			Notes:    []string{"happened|{a} of 200 connections; 120 of them belong to the partners' report.", "action|Stopped the report. Waiting bookings went through within a minute."},
			Why: []Why{
				{"cause", "technology", "The partners' report opens a connection per partner and keeps it", []Evidence{{"log", "120 sessions of the report, idle", ""}, {"metric", "Connections by user", ""}}},
				{"condition", "process", "Reports share the connections of the booking", []Evidence{{"doc", "Settings of the database", ""}}},
			},
			Happened: "A report used the connections that booking needed. It was stopped.", Lessons: "- What is not urgent must not be able to starve what is.",
			Fixes: []Fix{{"Give reports ten connections of their own", "A report that asks for more waits, in a drill.", "mira", 22, true, 1}},
		},
	}
}

func staleTimetable() Cause {
	return Cause{
		Alert: "TimetableStale", Service: "timetable", Severity: Warning, Summary: "The timetable is older than it should be", Description: "Last taken over {a} minutes ago; {b} departures may be wrong.",
		A: [2]int{35, 240}, B: [2]int{1, 18}, Weekly: 1.5, Rhythm: Night, Minutes: 42, Chance: 0.21, Until: 0.8,
		Trouble: &Trouble{
			Title: "The timetable shows departures that do not run|The timetable is yesterday's", Public: "Some departures are shown wrongly", Severity: []string{"sev-3", "sev-3", "sev-4"}, Minutes: 70, Services: []string{"timetable"},
			Parts: []string{"timetable=degraded_performance"}, Expert: "jonas",
			Looking:  []string{"Some departures are shown that do not run today. Please look at the board at the pier. We are correcting it."},
			Found:    []string{"Changes of this morning were not taken over. We are entering them by hand."},
			Still:    []string{"Most departures are right again. Please look at the board at the pier."},
			Watching: []string{"All departures are shown as they run. We are watching."},
			Over:     []string{"The timetable is right again. Whoever booked a departure that did not run has been called."},
			Notes:    []string{"happened|The file of the harbour office has {b} lines with yesterday's date.", "action|Entered the changes of today by hand, checked by a second person."},
			Why: []Why{
				{"cause", "data", "The harbour office sent the file of the day before", []Evidence{{"log", "Same checksum as yesterday", ""}, {"interview", "Harbour office: sent by hand on that day", ""}}},
				{"condition", "process", "A file that is the same as yesterday's is taken over without a question", []Evidence{{"doc", "The import's description", ""}}},
			},
			Happened: "The timetable of the day before was shown for a morning.", Lessons: "- Twice the same file is a warning in itself.",
			Fixes: []Fix{{"Ask when a file is the same as the one before", "Sending one twice on staging asks.", "jonas", 10, true, 1}},
		},
	}
}

func ticketMails() Cause {
	return Cause{
		Alert: "MailQueueGrows", Service: "mail", Severity: Warning, Summary: "Tickets by mail wait longer than ten minutes", Description: "{a} mails wait; Postlane takes {b} a second.",
		A: [2]int{110, 2900}, B: [2]int{1, 9}, Weekly: 1.4, Rhythm: Load, Minutes: 33, Flaps: 0.2, Chance: 0.16,
		Trouble: &Trouble{
			Title: "Tickets by mail come late|{a} tickets wait to be sent", Public: "Tickets by mail come late", Severity: []string{"sev-3", "sev-4"}, Minutes: 55, Vendor: "postlane", Services: []string{"mail"},
			Parts: []string{"mails=degraded_performance"}, Expert: "farid",
			Looking:  []string{"Tickets by mail arrive up to an hour late. They are in your account and in the app at once."},
			Found:    []string{"Our mail provider takes mails more slowly than usual. Tickets for today go first."},
			Still:    []string{"Mails with tickets for today have been sent. The others follow."},
			Watching: []string{"Mails go out at once again. We are watching."},
			Over:     []string{"All tickets have been sent."},
			Notes:    []string{"happened|Postlane takes {b} mails a second; usual are 40.", "decision|Tickets for today go first.", "action|Sent by the second gateway: {a} mails in 20 minutes."},
			Why: []Why{
				{"cause", "vendor", "Postlane slows us down after a newsletter of ours", []Evidence{{"log", "421, rate", ""}, {"timeline", "The newsletter began 30 minutes before", ""}}},
				{"condition", "process", "Newsletters and tickets leave by the same way", []Evidence{{"doc", "Settings of mail", ""}}},
			},
			Happened: "Tickets waited behind a newsletter.", Lessons: "- Nobody is in a hurry for a newsletter.",
			Fixes: []Fix{{"Send newsletters by a way of their own", "A newsletter of 100,000 delays no ticket, in a test.", "farid", 26, true, 1}},
		},
	}
}

func seatMap() Cause {
	return Cause{
		Alert: "SeatMapSlow", Service: "booking", Severity: Warning, Summary: "The seat map takes longer than two seconds", Description: "p95 {a} ms for ferries with more than {b} seats.",
		A: [2]int{2050, 6400}, B: [2]int{300, 900}, Weekly: 1.3, Rhythm: Load, Minutes: 21, Flaps: 0.3, Chance: 0.14, From: 0.2,
		Trouble: &Trouble{
			Title: "Seats cannot be chosen on the large ferries|The seat map does not open for ferries with two decks", Public: "Choosing a seat does not work on some ferries", Severity: []string{"sev-3", "sev-4"}, Minutes: 62, Services: []string{"booking"},
			Parts: []string{"booking=degraded_performance"}, Expert: "mira",
			Looking:  []string{"On our large ferries the map of seats does not open. Booking without a chosen seat works. We are looking into it."},
			Found:    []string{"The map of the large ferries asks too much at once. We are showing one deck at a time."},
			Still:    []string{"The map opens for most ferries. Booking without a chosen seat works."},
			Watching: []string{"Seats can be chosen on all ferries again. We are watching."},
			Over:     []string{"Seats can be chosen on all ferries. Whoever booked without one can choose now."},
			Notes:    []string{"happened|The query takes {a} ms on ferries with two decks.", "action|Shows one deck at a time: 240 ms."},
			Why: []Why{
				{"cause", "technology", "The map asks for each seat by itself", []Evidence{{"log", "900 queries for one map", ""}, {"metric", "Queries a request", ""}}},
				{"condition", "process", "Tests have a ferry with twelve seats", []Evidence{{"doc", "Test data, revision 2", ""}}},
			},
			Happened: "The map of seats did not open for ferries with two decks.", Lessons: "- Test data must be as large as the largest ferry.",
			Fixes: []Fix{{"Ask for all seats of a deck at once", "The map of the largest ferry takes one query a deck.", "mira", 17, true, 0}},
		},
	}
}

func partnerErrors() Cause {
	return Cause{
		Alert: "PartnerErrors", Service: "partners", Severity: Warning, Summary: "A partner's bookings are refused", Description: "{a} refused in ten minutes, all of partner {b}.",
		A: [2]int{6, 240}, B: [2]int{1, 19}, Weekly: 1.5, Rhythm: Mondays, Minutes: 36, Chance: 0.16,
		Trouble: &Trouble{
			Title: "Bookings by partners are refused|Partner {b} cannot book", Public: "Bookings by travel agencies fail", Severity: []string{"sev-3", "sev-4"}, Minutes: 85, Services: []string{"partners"},
			Parts: []string{"agencies=partial_outage"}, Expert: "farid",
			Looking:  []string{"Bookings by travel agencies are refused. Booking with us directly works. We are looking into it."},
			Found:    []string{"A certificate that agencies sign with has changed. We are taking the new one."},
			Still:    []string{"Most agencies can book again. We are calling the others."},
			Watching: []string{"Agencies can book again. We are watching."},
			Over:     []string{"Agencies book as before. We have entered the refused bookings by hand."},
			Notes:    []string{"happened|Every request of partner {b} is refused: unknown certificate.", "action|Took the new certificate, {a} bookings entered by hand."},
			Why: []Why{
				{"cause", "data", "The partner changed a certificate, and we did not know", []Evidence{{"log", "unknown issuer", ""}, {"interview", "Partner {b}: announced by mail", ""}}},
				{"condition", "process", "Announcements of partners end in one person's mailbox", []Evidence{{"interview", "Farid was on leave", ""}}},
			},
			Happened: "Bookings of a partner were refused until its new certificate was taken.", Lessons: "- A shared mailbox would have been enough.",
			Fixes: []Fix{{"Partners announce to a shared mailbox", "Two people answer a test within a day.", "farid", 8, true, 1}},
		},
	}
}

func paymentRetries() Cause {
	return Cause{Alert: "PaymentRetries", Service: "payments", Severity: Warning, Summary: "Payments need several attempts", Description: "{a} % of the payments are tried more than once.",
		A: [2]int{6, 22}, B: [2]int{1, 2}, Weekly: 1.1, Rhythm: Load, Minutes: 12, Flaps: 0.35}
}

func apiLatency() Cause {
	return Cause{Alert: "ApiLatencyHigh", Service: "website", Severity: Notice, Summary: "Requests take longer than a second", Description: "p95 {a} ms at {b} requests a second.",
		A: [2]int{1010, 3900}, B: [2]int{60, 900}, Weekly: 9, Rhythm: Load, Minutes: 9, Flaps: 0.2, Instances: []string{"edge-1", "edge-2", "edge-3"}}
}

func slowQueries() Cause {
	return Cause{Alert: "SlowQueries", Service: "database", Severity: Notice, Summary: "Queries take longer than five seconds", Description: "{a} in five minutes; the longest took {b} s.",
		A: [2]int{3, 90}, B: [2]int{6, 48}, Weekly: 4.5, Rhythm: Mondays, Minutes: 18}
}

func backlog() Cause {
	return Cause{Alert: "QueueBacklog", Service: "mail", Severity: Notice, Summary: "Messages wait in the queue", Description: "{a} messages, the oldest {b} minutes old.",
		A: [2]int{300, 9000}, B: [2]int{3, 25}, Weekly: 6, Rhythm: Load, Minutes: 11, Flaps: 0.2, Instances: []string{"queue-1", "queue-2"}}
}

func podRestarts() Cause {
	return Cause{Alert: "InstanceRestarted", Service: "booking", Severity: Notice, Summary: "An instance was restarted", Description: "Restart {b}, after {a} hours.",
		A: [2]int{1, 160}, B: [2]int{1, 4}, Weekly: 8, Rhythm: Deploys, Minutes: 4, Instances: []string{"booking-1", "booking-2", "booking-3", "booking-4"}}
}

func misses() Cause {
	return Cause{Alert: "CacheMisses", Service: "timetable", Severity: Notice, Summary: "The cache misses more than a third", Description: "{a} % of the lookups go on to the database.",
		A: [2]int{34, 80}, B: [2]int{1, 2}, Weekly: 6, Rhythm: Load, Minutes: 13, Flaps: 0.2, Instances: []string{"timetable-1", "timetable-2"}}
}

func feedLate() Cause {
	return Cause{Alert: "PartnerFeedLate", Service: "partners", Severity: Notice, Summary: "A partner's file has not come", Description: "Partner {b} is {a} minutes late.",
		A: [2]int{31, 300}, B: [2]int{1, 19}, Weekly: 5, Rhythm: Night, Minutes: 70, Until: 0.75}
}

func disks() Cause {
	return Cause{Alert: "DiskFillsUp", Service: "database", Severity: Notice, Summary: "The disk is full in less than four days", Description: "{a} % used, growing by {b} GB a day.",
		A: [2]int{82, 93}, B: [2]int{3, 14}, Weekly: 3, Rhythm: Flat, Minutes: 150, Instances: []string{"data-1", "data-2"}}
}

func bots() Cause {
	return Cause{Alert: "UnusualVisitors", Service: "website", Severity: Notice, Summary: "Many requests from few addresses", Description: "{a} requests a second from {b} addresses.",
		A: [2]int{120, 2400}, B: [2]int{1, 14}, Weekly: 4, Rhythm: Flat, Minutes: 16, Flaps: 0.3, From: 0.3}
}
